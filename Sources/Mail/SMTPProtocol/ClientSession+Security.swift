import Authentication
import Envelopes
import MailSyntax

/// With what a client proves who it is, and the arithmetic for it.
package struct ClientCredentials: Sendable {
    package var identity: SASLIdentity
    /// Printable, without a comma, and new for each session.
    package var nonce: [UInt8]
    package var functions: HashFunctions

    package init(identity: SASLIdentity, nonce: [UInt8], functions: HashFunctions) {
        self.identity = identity
        self.nonce = nonce
        self.functions = functions
    }
}

/// Between the greeting and the first message: STARTTLS (RFC 3207) and AUTH (RFC 4954).
extension ClientSession {
    /// The handshake is done: what the server said before is void, and we say again who we are.
    package mutating func tlsStarted() {
        guard case .startingTLS = state else { return }
        isSecured = true
        capabilities = ServerCapabilities()
        say(settings.kind == .lmtp ? "LHLO" : "EHLO", .awaitingHello)
    }

    /// The server has said what it can do.
    mutating func introduced() {
        if !isSecured {
            switch settings.startTLS {
            case .whenOffered where capabilities.startTLS, .always where capabilities.startTLS:
                pending.append(.send(Array("STARTTLS\r\n".utf8)))
                state = .awaitingTLS
                return
            case .always: return leave(.tlsUnavailable("STARTTLS not offered"))
            case .whenOffered, .never: break
            }
        }
        guard let credentials else {
            state = .ready
            return
        }
        authenticate(credentials)
    }

    private mutating func authenticate(_ credentials: ClientCredentials) {
        guard isSecured else { return leave(.authenticationFailed("No TLS to protect the password")) }
        let offered = Set(capabilities.authentication.compactMap { SASLMechanism(name: $0.utf8) })
        guard let mechanism = SASLClient.choose(from: offered, for: credentials.identity) else {
            return leave(.authenticationFailed("Server offers no common mechanism of authentication"))
        }
        var client = SASLClient(
            mechanism: mechanism, identity: credentials.identity, nonce: credentials.nonce, functions: credentials.functions)
        do throws(SASLFailure) {
            var line = Array("AUTH \(mechanism.name)".utf8)
            if let first = try client.initialResponse() {
                line.append(0x20)
                // An empty response is a sign of its own (RFC 4954 section 4).
                line += first.isEmpty ? [UInt8(ascii: "=")] : Base64.encoded(first)
            }
            pending.append(.send(line + [0x0D, 0x0A]))
            state = .authenticating(client)
        } catch {
            leave(.authenticationFailed("Credentials cannot be used: \(error)"))
        }
    }

    mutating func take(_ reply: Reply, of exchange: SASLClient) {
        var client = exchange
        do throws(SASLFailure) {
            switch reply.code {
            case 334:
                guard let challenge = Base64.decoded(Array((reply.lines.first ?? "").utf8)) else {
                    return cancel("Malformed challenge")
                }
                let response = try client.respond(to: challenge)
                pending.append(.send(Base64.encoded(response) + [0x0D, 0x0A]))
                state = .authenticating(client)
            case ..<300:
                try client.succeeded()
                state = .ready
            default:
                leave(.authenticationFailed("Authentication failed: \(Self.line(reply))"))
            }
        } catch {
            reply.code == 334 ? cancel("\(error)") : leave(.authenticationFailed("Server not believed: \(error)"))
        }
    }

    /// Says that we do not go on, which the server answers with a refusal.
    private mutating func cancel(_ reason: String) {
        pending.append(.send(Array("*\r\n".utf8)))
        state = .awaitingCancellation(reason)
    }
}
