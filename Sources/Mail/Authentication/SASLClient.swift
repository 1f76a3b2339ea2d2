import MailSyntax

/// Who a client is, and how it proves it.
package struct SASLIdentity: Hashable, Sendable {
    package enum Secret: Hashable, Sendable {
        case password([UInt8])
        /// An OAuth 2.0 access token (RFC 6750).
        case bearerToken([UInt8])
    }

    package let user: String
    package let secret: Secret

    package init(user: String, secret: Secret) {
        self.user = user
        self.secret = secret
    }
}

/// Our side when we are the client: one exchange of one mechanism, without the framing of the protocol
/// around it.
///
/// Ask ``initialResponse()`` first; send what it gives along with the name of the mechanism, or the name alone
/// when it gives nil. Answer each challenge with what ``respond(to:)`` returns. When the server says that all is
/// well, ask ``succeeded()`` whether it proved to be the right one. A failure that is thrown means: cancel.
package struct SASLClient: Sendable {
    private enum State: Sendable {
        /// Nothing said yet.
        case fresh
        /// LOGIN: asked for a name. Left by the challenge.
        case awaitingNamePrompt
        /// LOGIN: asked for a password.
        case awaitingPasswordPrompt
        /// SCRAM: the first message was sent, without its header.
        case awaitingSalt(bare: [UInt8])
        /// SCRAM: the proof was sent, and this must come back.
        case awaitingSignature([UInt8])
        /// OAuth: the token was sent; a challenge now is an account of its refusal.
        case awaitingTokenVerdict
        /// A token was refused; the server's reply follows.
        case tokenRefused(details: String)
        /// All is said, and the server owes nothing but its reply.
        case complete
    }

    package let mechanism: SASLMechanism
    private let identity: SASLIdentity
    private let functions: HashFunctions
    private let nonce: [UInt8]
    private var state = State.fresh

    /// What to try with a server: the strongest mechanism it offers that fits the secret, nil when there is none.
    ///
    /// SCRAM comes first since it gives the password away to nobody, PLAIN before LOGIN since it saves a round trip.
    package static func choose(from offered: Set<SASLMechanism>, for identity: SASLIdentity) -> SASLMechanism? {
        let order: [SASLMechanism] =
            switch identity.secret {
            case .password: [.scramSHA256, .plain, .login]
            case .bearerToken: [.oauthBearer, .xoauth2]
            }
        return order.first(where: offered.contains)
    }

    /// - Parameters:
    ///   - nonce: Printable without a comma, such as base64 of 18 random octets; used by SCRAM alone.
    ///   - functions: Used by SCRAM alone.
    package init(mechanism: SASLMechanism, identity: SASLIdentity, nonce: [UInt8], functions: HashFunctions) {
        self.mechanism = mechanism
        self.identity = identity
        self.functions = functions
        self.nonce = nonce
    }

    /// The message to begin with; nil when the server speaks first.
    ///
    /// - Throws: ``SASLFailure/unacceptableName`` when name or secret cannot be said in this mechanism, or the
    ///   secret is none for it.
    package mutating func initialResponse() throws(SASLFailure) -> [UInt8]? {
        guard case .fresh = state else { throw .unexpectedMessage }
        let user = Array(identity.user.utf8)
        guard !user.isEmpty, !user.contains(0) else { throw .unacceptableName }
        switch (mechanism, identity.secret) {
        case (.plain, .password(let password)):
            guard !password.isEmpty, !password.contains(0) else { throw .unacceptableName }
            state = .complete
            return [0] + user + [0] + password
        case (.login, .password):
            state = .awaitingNamePrompt
            return nil
        case (.scramSHA256, .password):
            guard let name = try? SASLPreparation.prepared(user), !name.isEmpty else { throw .unacceptableName }
            let bare = Array("n=".utf8) + SCRAMMessage.escapedName(name) + Array(",r=".utf8) + nonce
            state = .awaitingSalt(bare: bare)
            return Self.header + bare
        case (.xoauth2, .bearerToken(let token)):
            return try tokenMessage(Array("user=".utf8) + user, token)
        case (.oauthBearer, .bearerToken(let token)):
            return try tokenMessage(Array("n,a=".utf8) + SCRAMMessage.escapedName(user) + Array(",".utf8), token)
        case (.plain, .bearerToken), (.login, .bearerToken), (.scramSHA256, .bearerToken), (.xoauth2, .password),
            (.oauthBearer, .password):
            throw .unacceptableName
        }
    }

    /// The answer to a challenge; empty is an answer too.
    package mutating func respond(to challenge: [UInt8]) throws(SASLFailure) -> [UInt8] {
        switch state {
        case .awaitingNamePrompt:
            // The text of a prompt means nothing: servers differ, and the order does not.
            state = .awaitingPasswordPrompt
            return Array(identity.user.utf8)
        case .awaitingPasswordPrompt:
            state = .complete
            return password
        case .awaitingSalt(let bare):
            return try prove(bare, challenge)
        case .awaitingSignature(let expected):
            guard let signature = SCRAMMessage.serverSignature(challenge), functions.areEqual(signature, expected) else {
                throw .serverNotProven
            }
            state = .complete
            return []
        case .awaitingTokenVerdict:
            // The account of the failure must be answered before the server gives its reply (RFC 7628 section 3.2.3).
            state = .tokenRefused(details: Self.printable(challenge))
            return mechanism == .oauthBearer ? [1] : []
        case .fresh, .tokenRefused, .complete:
            // PLAIN has said all it has; a server that asks again after an initial response is out of step.
            throw .unexpectedMessage
        }
    }

    /// The server accepts us. Throws when it has not proved what the mechanism wants proved.
    package func succeeded() throws(SASLFailure) {
        switch state {
        case .complete, .awaitingTokenVerdict: return
        case .awaitingSalt, .awaitingSignature: throw .serverNotProven
        case .tokenRefused(let details): throw .tokenRefused(details: details)
        case .fresh, .awaitingNamePrompt, .awaitingPasswordPrompt: throw .unexpectedMessage
        }
    }

    /// What a server said about a token it refused, for the log.
    package var refusalDetails: String? {
        if case .tokenRefused(let details) = state { return details }
        return nil
    }

    private var password: [UInt8] {
        if case .password(let password) = identity.secret { return password }
        return []
    }

    /// No channel binding, no other authorization.
    private static let header = Array("n,,".utf8)

    private mutating func prove(_ bare: [UInt8], _ challenge: [UInt8]) throws(SASLFailure) -> [UInt8] {
        let first = try SCRAMMessage.ServerFirst(parsing: challenge)
        // The server's nonce must go on from ours, and add something (RFC 5802 section 5.1).
        guard first.nonce.count > nonce.count, first.nonce.starts(with: nonce) else { throw .malformed }
        guard let prepared = try? SASLPreparation.prepared(password), !prepared.isEmpty else { throw .unacceptableName }
        let salted = functions.derive(.sha256, prepared, first.salt, first.iterations)
        let clientKey = functions.authenticate(.sha256, salted, Array("Client Key".utf8))
        let serverKey = functions.authenticate(.sha256, salted, Array("Server Key".utf8))
        let withoutProof = Array("c=".utf8) + Base64.encoded(Self.header) + Array(",r=".utf8) + first.nonce
        let comma = UInt8(ascii: ",")
        let signed = bare + [comma] + challenge + [comma] + withoutProof
        let signature = functions.authenticate(.sha256, functions.hash(.sha256, clientKey), signed)
        let proof = zip(clientKey, signature).map { $0 ^ $1 }
        state = .awaitingSignature(functions.authenticate(.sha256, serverKey, signed))
        return withoutProof + Array(",p=".utf8) + Base64.encoded(proof)
    }

    private mutating func tokenMessage(_ start: [UInt8], _ token: [UInt8]) throws(SASLFailure) -> [UInt8] {
        guard !token.isEmpty, token.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !start.contains(1) else {
            throw .unacceptableName
        }
        state = .awaitingTokenVerdict
        return start + [1] + Array("auth=Bearer ".utf8) + token + [1, 1]
    }

    /// A server's JSON as one line of bounded length.
    private static func printable(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.prefix(500).map { $0 >= 0x20 && $0 < 0x7F ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }
}
