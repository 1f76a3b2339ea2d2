import MailSyntax

/// What an exchange needs next from whoever drives a ``SASLServer``.
package enum SASLServerStep: Hashable, Sendable {
    /// Send this, and give the answer to ``SASLServer/respond(_:)``.
    case challenge([UInt8])
    /// Compare, and answer with ``SASLServer/passwordChecked(_:)``.
    case checkPassword(user: String, password: [UInt8])
    /// Find the keys of a user, and answer with ``SASLServer/keysFound(_:)``; a user without any has decoys.
    case findKeys(user: String)
    /// The client is this user.
    case succeeded(user: String)
    /// It is not. The name is what it claimed to be, when it came so far.
    case failed(SASLFailure, user: String?)
}

/// Our side when we are the server: one exchange of one mechanism, without the framing of the protocol
/// around it. PLAIN, LOGIN and SCRAM-SHA-256.
///
/// The driver calls ``start(_:)`` once and then does what each step says. A client cannot act for anybody but
/// itself: an authorization identity must be empty or the name (RFC 4954 section 4).
package struct SASLServer: Sendable {
    private enum State: Sendable {
        case fresh
        /// PLAIN without an initial response. Left by the one message.
        case awaitingMessage
        /// LOGIN: asked for the name.
        case awaitingName
        /// LOGIN: asked for the password.
        case awaitingPassword(user: String)
        /// The driver compares a password. Left by its answer.
        case checkingPassword(user: String)
        /// SCRAM: left by the client's first message.
        case awaitingFirst
        /// SCRAM: the driver looks for keys.
        case findingKeys(SCRAMMessage.ClientFirst, user: String)
        /// SCRAM: salt and iterations are sent.
        case awaitingProof(Challenge)
        /// SCRAM: the proof was right and ours is sent. Left by the client's empty message.
        case awaitingAcknowledgement(user: String)
        case finished
    }

    private struct Challenge: Sendable {
        let first: SCRAMMessage.ClientFirst
        let user: String
        let keys: SCRAMKeys
        let serverFirst: [UInt8]
        let nonce: [UInt8]
    }

    package static let mechanisms: [SASLMechanism] = [.plain, .login, .scramSHA256]

    package let mechanism: SASLMechanism
    private let functions: HashFunctions
    private let nonce: [UInt8]
    private var state = State.fresh

    /// - Parameters:
    ///   - nonce: Printable without a comma, such as base64 of 18 random octets; used by SCRAM alone.
    ///   - functions: Used by SCRAM alone.
    /// - Returns: nil for a mechanism without a server's side.
    package init?(mechanism: SASLMechanism, nonce: [UInt8], functions: HashFunctions) {
        guard Self.mechanisms.contains(mechanism) else { return nil }
        self.mechanism = mechanism
        self.functions = functions
        self.nonce = nonce
    }

    /// Begins, with the initial response when the client sent one.
    package mutating func start(_ initialResponse: [UInt8]?) -> SASLServerStep {
        guard case .fresh = state else { return fail(.unexpectedMessage) }
        switch mechanism {
        case .plain: state = .awaitingMessage
        case .login: state = .awaitingName
        case .scramSHA256: state = .awaitingFirst
        case .xoauth2, .oauthBearer: return fail(.unexpectedMessage)
        }
        if let initialResponse { return respond(initialResponse) }
        // Prompts as every client of this mechanism expects them.
        return .challenge(mechanism == .login ? Array("Username:".utf8) : [])
    }

    /// Takes the client's answer to a challenge.
    package mutating func respond(_ response: [UInt8]) -> SASLServerStep {
        switch state {
        case .awaitingMessage:
            return takePlain(response)
        case .awaitingName:
            guard let user = SASLName.text(response) else { return fail(.unacceptableName) }
            state = .awaitingPassword(user: user)
            return .challenge(Array("Password:".utf8))
        case .awaitingPassword(let user):
            return check(user, response)
        case .awaitingFirst:
            return takeFirst(response)
        case .awaitingProof(let challenge):
            return takeProof(response, challenge)
        case .awaitingAcknowledgement(let user):
            guard response.isEmpty else { return fail(.malformed, user) }
            state = .finished
            return .succeeded(user: user)
        case .fresh, .checkingPassword, .findingKeys, .finished:
            return fail(.unexpectedMessage)
        }
    }

    /// Takes the answer to ``SASLServerStep/checkPassword(user:password:)``.
    package mutating func passwordChecked(_ isRight: Bool) -> SASLServerStep {
        guard case .checkingPassword(let user) = state else { return fail(.unexpectedMessage) }
        state = .finished
        return isRight ? .succeeded(user: user) : .failed(.wrongCredentials, user: user)
    }

    /// Takes the answer to ``SASLServerStep/findKeys(user:)``.
    package mutating func keysFound(_ keys: SCRAMKeys) -> SASLServerStep {
        guard case .findingKeys(let first, let user) = state else { return fail(.unexpectedMessage) }
        let whole = first.nonce + nonce
        let message =
            Array("r=".utf8) + whole + Array(",s=".utf8) + Base64.encoded(keys.salt) + Array(",i=\(keys.iterations)".utf8)
        state = .awaitingProof(Challenge(first: first, user: user, keys: keys, serverFirst: message, nonce: whole))
        return .challenge(message)
    }

    private mutating func fail(_ failure: SASLFailure, _ user: String? = nil) -> SASLServerStep {
        state = .finished
        return .failed(failure, user: user)
    }

    private mutating func check(_ user: String, _ password: [UInt8]) -> SASLServerStep {
        guard !password.isEmpty, password.count <= SASLName.maximumPasswordLength, !password.contains(0) else {
            return fail(.malformed, user)
        }
        state = .checkingPassword(user: user)
        return .checkPassword(user: user, password: password)
    }

    /// `[authorization] NUL user NUL password` (RFC 4616 section 2).
    private mutating func takePlain(_ message: [UInt8]) -> SASLServerStep {
        let parts = message.split(separator: 0, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return fail(.malformed) }
        guard let user = SASLName.text(Array(parts[1])) else { return fail(.unacceptableName) }
        guard mayAct(Array(parts[0]), as: user) else { return fail(.authorizationRefused, user) }
        return check(user, Array(parts[2]))
    }

    private func mayAct(_ authorization: [UInt8], as user: String) -> Bool {
        authorization.isEmpty || SASLName.text(authorization) == user
    }

    private mutating func takeFirst(_ message: [UInt8]) -> SASLServerStep {
        do throws(SASLFailure) {
            let first = try SCRAMMessage.ClientFirst(parsing: message)
            guard let user = SASLName.text(first.user) else { return fail(.unacceptableName) }
            guard mayAct(first.authorization, as: user) else { return fail(.authorizationRefused, user) }
            state = .findingKeys(first, user: user)
            return .findKeys(user: user)
        } catch {
            return fail(error)
        }
    }

    private mutating func takeProof(_ message: [UInt8], _ challenge: Challenge) -> SASLServerStep {
        let user = challenge.user
        do throws(SASLFailure) {
            let final = try SCRAMMessage.ClientFinal(parsing: message)
            guard final.channelBinding == challenge.first.header, final.nonce == challenge.nonce else {
                return fail(.malformed, user)
            }
            let keys = challenge.keys
            let comma = UInt8(ascii: ",")
            let signed = challenge.first.bare + [comma] + challenge.serverFirst + [comma] + final.withoutProof
            let signature = functions.authenticate(.sha256, keys.storedKey, signed)
            guard final.proof.count == signature.count else { return fail(.wrongCredentials, user) }
            let clientKey = zip(final.proof, signature).map { $0 ^ $1 }
            guard functions.areEqual(functions.hash(.sha256, clientKey), keys.storedKey) else {
                return fail(.wrongCredentials, user)
            }
            state = .awaitingAcknowledgement(user: user)
            return .challenge(
                Array("v=".utf8) + Base64.encoded(functions.authenticate(.sha256, keys.serverKey, signed)))
        } catch {
            return fail(error, user)
        }
    }
}
