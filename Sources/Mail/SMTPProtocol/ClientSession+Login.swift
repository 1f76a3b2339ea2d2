import Authentication
import MailSyntax

/// An exchange of SASL messages under way.
struct ClientExchange: Sendable {
    var sasl: SASLClient
    /// The first message, when it was too long for the command and the server has not asked for it.
    var unsent: [UInt8]?
    /// What to try when the server wants none of this mechanism.
    var left: Set<SASLMechanism>
}

/// AUTH (RFC 4954): its framing, and which mechanism is tried.
extension ClientSession {
    /// Octets of an AUTH command with its end; RFC 4954 section 4 has the limit of all commands.
    private static let maximumCommand = 512

    /// Authenticates, if there is somebody to be. Never in the clear.
    mutating func logIn() {
        guard settings.login != nil else {
            state = .ready
            return
        }
        guard isProtected else { return leave(.unprotectedLogin) }
        begin(with: capabilities.mechanisms, otherwise: .noCommonMechanism)
    }

    /// Begins with the best mechanism of those, and ends the session with `failure` when there is none.
    private mutating func begin(with offered: Set<SASLMechanism>, otherwise failure: ClientFailure) {
        guard let login = settings.login, let mechanism = SASLClient.choose(from: offered, for: login.identity) else {
            return leave(failure)
        }
        let left = offered.subtracting([mechanism])
        var sasl = SASLClient(mechanism: mechanism, identity: login.identity, nonce: login.nonce, functions: login.functions)
        do throws(SASLFailure) {
            var command = "AUTH \(mechanism.name)"
            var unsent: [UInt8]?
            if let response = try sasl.initialResponse() {
                let encoded = response.isEmpty ? "=" : String(decoding: Base64.encoded(response), as: UTF8.self)
                if command.utf8.count + encoded.utf8.count + 3 <= Self.maximumCommand {
                    command += " \(encoded)"
                } else {
                    unsent = response
                }
            }
            say(command, .authenticating(ClientExchange(sasl: sasl, unsent: unsent, left: left)))
        } catch {
            // A password that one mechanism cannot say may be sayable in another.
            begin(with: left, otherwise: .loginFailed(error))
        }
    }

    mutating func takeLoginReply(_ reply: Reply, in started: ClientExchange) {
        var exchange = started
        switch reply.code {
        case 334:
            do throws(SASLFailure) {
                let response = try answer(reply, in: &exchange)
                say(String(decoding: Base64.encoded(response), as: UTF8.self), .authenticating(exchange))
            } catch {
                pending.append(.send(Array("*\r\n".utf8)))
                leave(.loginFailed(error))
            }
        case 200..<300:
            do throws(SASLFailure) {
                try exchange.sasl.succeeded()
                state = .ready
            } catch {
                leave(.loginFailed(error))
            }
        case 421:
            fail(.refused(reply))
        case 504, 534, 538:
            // Not this mechanism, whatever EHLO said.
            begin(with: exchange.left, otherwise: .loginRefused(reply))
        case 400...:
            if let details = exchange.sasl.refusalDetails {
                leave(.loginFailed(.tokenRefused(details: "\(Self.line(reply)) \(details)")))
            } else {
                leave(.loginRefused(reply))
            }
        default:
            fail(.unexpectedReply)
        }
    }

    /// What is to be said to a challenge.
    private func answer(_ reply: Reply, in exchange: inout ClientExchange) throws(SASLFailure) -> [UInt8] {
        guard reply.lines.count == 1, let challenge = Base64.decoded(Array(reply.lines[0].utf8)) else { throw .malformed }
        guard let first = exchange.unsent.take() else { return try exchange.sasl.respond(to: challenge) }
        guard challenge.isEmpty else { throw .unexpectedMessage }
        return first
    }
}
