import Authentication
import Configuration
import Envelopes
import EventLoop
import Log
import MailSyntax
import ProcessMessages
import SMTPProtocol

/// One client of a listener with authentication: its exchange of SASL, and what it may send as once it is known.
///
/// Lookup decides; this passes messages on, delays and counts failures, and writes the line of the log that tools
/// such as fail2ban read.
@EventLoopActor
final class ClientAuthentication {
    /// The longest delay of a refusal, in milliseconds.
    private static let longestDelay = 999

    private let dispatcher: DispatcherProcess
    private let source: CredentialSource
    private let senders: Listener.Senders?
    private let client: ClientIdentity
    private let server: IPAddress?
    /// Names the session in the log.
    private let id: String
    /// The exchange under way, nil between two.
    private var exchange: UInt64?
    private var mechanism = ""
    /// Who the client claimed to be in the last exchange that has ended, as far as it said.
    private(set) var claimedUser: String?

    /// - Parameter server: Our address, at which the client came in.
    init(
        dispatcher: DispatcherProcess, source: CredentialSource, senders: Listener.Senders?, client: ClientIdentity,
        server: IPAddress?, id: String
    ) {
        self.dispatcher = dispatcher
        self.source = source
        self.senders = senders
        self.client = client
        self.server = server
        self.id = id
    }

    /// Has lookup answer a message of the client's. A refusal takes up to a second: whoever guesses in one session
    /// is slowed down, and the time tells nothing.
    func answer(_ message: AuthenticationMessage) async -> AuthenticationAnswer {
        let request = dispatcher.authentications.next()
        switch message {
        case .start(let name, let response):
            guard !dispatcher.isLockedOut(client) else {
                dispatcher.authentications.abandon(request)
                mechanism = name
                note(.blocked, user: nil, reason: "too many failures")
                return .tooManyFailures
            }
            // The number of its first request is an exchange's name: no other has it.
            exchange = request
            mechanism = name
            dispatcher.lookup?.send(
                .authenticate(
                    request: request, exchange: request,
                    AuthenticationStart(
                        source: source, mechanism: name, initialResponse: response, client: client.source.address,
                        server: server)))
        case .response(let response):
            guard let exchange else { preconditionFailure("an answer to a challenge that nobody gave") }
            dispatcher.lookup?.send(
                .continueAuthentication(request: request, exchange: exchange, response: response))
        }
        switch await dispatcher.authentications.answer(request) {
        case .challenge(let octets):
            return .challenge(octets)
        case .accepted(let user):
            exchange = nil
            claimedUser = user
            note(.ok, user: user, reason: nil)
            return .accepted(user: user)
        case .refused(let user, let reason):
            exchange = nil
            claimedUser = user
            dispatcher.noteAuthenticationFailure(of: client)
            note(.failed, user: user, reason: reason)
            await pause(until: .now() + .milliseconds(Int.random(in: 0...Self.longestDelay)))
            return .refused
        case .unavailable, nil:
            exchange = nil
            claimedUser = nil
            note(.error, user: nil, reason: nil)
            return .unavailable
        }
    }

    /// The exchange is over without an answer.
    func abandon() {
        guard let exchange else { return }
        self.exchange = nil
        dispatcher.lookup?.send(.abandonAuthentication(exchange: exchange))
    }

    /// Whether the client may send as somebody (`senders`).
    func verdict(on transaction: Transaction) async -> Verdict {
        guard let senders, transaction.isAuthenticated, let user = transaction.user else { return .accept }
        let request = dispatcher.senders.next()
        dispatcher.lookup?.send(
            .checkSender(request: request, table: senders.table, user: user, sender: transaction.sender))
        switch await dispatcher.senders.answer(request) {
        case .allowed: return .accept
        case .refused: return .refuse(Reply(530, "5.7.1", "Sender rejected"))
        case .unavailable, nil: return .refuse(Reply(421, "4.3.0", "Temporary Error"))
        }
    }

    private func note(_ result: AuthenticationResult, user: String?, reason: String?) {
        let line = result.line(address: client.source.text, mechanism: mechanism, user: user, reason: reason)
        dispatcher.log.info("\(id) \(line)")
    }
}

/// What an attempt to authenticate came to, as the log says it.
enum AuthenticationResult: String {
    case ok
    case failed
    /// Nobody could say.
    case error
    /// Not tried: too many failures before.
    case blocked

    /// The line of the log behind the session's name. Result and address stand before all that a client can choose, so
    /// that no name can pass for them (packaging/fail2ban).
    func line(address: String, mechanism: String, user: String?, reason: String?) -> String {
        var line = "smtp authentication result=\(rawValue) address=\(address) mechanism=\(LogText.value(mechanism))"
        if let user { line += " user=\(LogText.value(user))" }
        if let reason { line += " reason=\(LogText.value(reason))" }
        return line
    }
}

extension DispatcherProcess {
    /// Whether the client's network has failed too often of late, in whatever sessions. Never this machine: behind
    /// its address are all users of a webmail.
    func isLockedOut(_ client: ClientIdentity) -> Bool {
        guard let address = client.source.address, !address.isLoopback else { return false }
        return authenticationFailures.isLockedOut(address.network, now: Self.seconds(.now()))
    }

    func noteAuthenticationFailure(of client: ClientIdentity) {
        guard let address = client.source.address, !address.isLoopback else { return }
        authenticationFailures.failed(address.network, now: Self.seconds(.now()))
    }

    private static func seconds(_ instant: MonotonicInstant) -> Int64 { instant.nanoseconds / 1_000_000_000 }

    /// What a listener offers with AUTH. Lookup knows what its passwords allow.
    func mechanisms(of listener: Listener) async -> [String] {
        guard let source = listener.authentication.source else { return [] }
        let request = mechanismQuestions.next()
        lookup?.send(.mechanisms(request: request, source: source))
        return await mechanismQuestions.answer(request) ?? []
    }
}
