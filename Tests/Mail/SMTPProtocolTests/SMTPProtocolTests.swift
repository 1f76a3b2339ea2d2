/// What the suites of this module share: a driver that carries out the steps of a server session.
import Authentication
import Envelopes
import MailSyntax
import Testing

@testable import SMTPProtocol

func octets(_ text: String) -> [UInt8] { Array(text.utf8) }

func text(_ octets: some Sequence<UInt8>) -> String { String(decoding: Array(octets), as: UTF8.self) }

/// A small generator with a seed (SplitMix64), so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// A server session with a driver that answers by simple rules and keeps what happened.
///
/// Senders and recipients whose local part begins with `refused` get 550, with `later` 450, with `away` 421.
struct TestServer {
    static let date = MailDate(seconds: 1_704_067_200)

    var session: ServerSession
    private(set) var greeting: [UInt8] = []
    /// All replies behind the greeting, as on the wire.
    var output: [UInt8] = []
    /// Messages made durable.
    var messages: [String] = []
    /// Recipients of the transaction under way, then of each message.
    var recipients: [RecipientRequest] = []
    var senders: [Transaction] = []
    var rollbacks = 0
    /// What clients said in AUTH.
    var authentications: [AuthenticationMessage] = []
    var abandonedAuthentications = 0
    /// The answer to the next message of AUTH, in place of the mechanism's.
    var authenticationAnswer: AuthenticationAnswer?
    private var mechanism: SASLServer?
    var closed: DisconnectReason?
    /// The answers to `beginMessage` and `commitMessage`; nil accepts.
    var openRefusal: Reply?
    var commitRefusal: Reply?
    private var stored: [UInt8] = []
    /// What filters were asked and told.
    var questions: [FilterQuestion] = []
    var events: [SessionEvent] = []
    /// What filters say; nil stands for proceeding.
    var filter: (FilterQuestion) -> PhaseVerdict?
    /// Content goes through filters, which change nothing; this is what became of it.
    var filtersContent = false
    var contentRefusal: Reply?
    private var throughFilters: FilteredContent?

    init(
        client: ClientIdentity = ClientIdentity(source: .network(.v4(0xC000_0201)), reverseName: "client.example"),
        _ change: (inout ServerSettings) -> Void = { _ in }
    ) throws {
        try self.init(asking: { _ in nil }, client: client, change)
    }

    /// With filters, when the settings say so.
    init(
        asking filter: @escaping (FilterQuestion) -> PhaseVerdict?,
        client: ClientIdentity = ClientIdentity(source: .network(.v4(0xC000_0201)), reverseName: "client.example"),
        _ change: (inout ServerSettings) -> Void
    ) throws {
        self.filter = filter
        var settings = ServerSettings(hostname: try Domain(validating: octets("mx.example")))
        change(&settings)
        session = ServerSession(settings: settings, client: client)
        session.connected()
        run()
        greeting = output
        output = []
    }

    /// The lines sent since the last call.
    mutating func takeLines() -> [String] {
        defer { output.removeAll() }
        return text(output).split(separator: "\r\n").map(String.init)
    }

    /// Sends lines, each ended by CR LF, and gives the last line of each reply.
    mutating func say(_ lines: String...) -> [String] {
        send(octets(lines.map { $0 + "\r\n" }.joined()))
        return takeLines().filter { $0.count < 4 || $0.dropFirst(3).first == " " }
    }

    mutating func send(_ bytes: [UInt8]) {
        guard closed == nil else { return }
        session.receive(bytes.span)
        run()
    }

    mutating func run() {
        while true {
            switch session.next() {
            case .needsInput: return
            case .reply(let reply): output += reply.bytes
            case .authenticate(let message):
                authentications.append(message)
                session.authenticationAnswered(answer(message))
            case .abandonAuthentication:
                abandonedAuthentications += 1
            case .checkSender(let transaction):
                senders.append(transaction)
                session.senderChecked(verdict(transaction.sender.address))
            case .checkRecipient(let request):
                recipients.append(request)
                session.recipientChecked(verdict(request.address))
            case .beginMessage:
                stored = []
                var opened = OpenedMessage(identifier: "deadbeef", date: Self.date, uniqueNumber: 0x1234)
                opened.isFiltered = filtersContent
                throughFilters = FilteredContent(
                    hostname: session.settings.hostname, opened: opened, limits: session.settings.limits)
                session.messageOpened(openRefusal.map { .refused($0) } ?? .opened(opened))
            case .filterContent(let bytes):
                #expect(bytes.last == 0x0A, "whole lines")
                stored += throughFilters?.append(bytes) ?? []
            case .finishContent:
                stored += throughFilters?.finish() ?? []
                session.contentFiltered(contentRefusal.map { .refused($0) } ?? .complete(size: throughFilters?.storedSize ?? 0))
            case .consult(let question):
                questions.append(question)
                session.filtersAnswered(filter(question) ?? .proceed)
            case .event(let event): events.append(event)
            case .messageBytes(let bytes): stored += bytes
            case .commitMessage(let size):
                #expect(size == Int64(stored.count))
                if commitRefusal == nil { messages.append(text(stored)) }
                session.messageCommitted(commitRefusal.map { .refuse($0) } ?? .accept)
            case .rollbackMessage: rollbacks += 1
            case .startTLS: session.tlsStarted(
                    over: ChannelSecurity(version: "TLSv1.3", cipher: "AES", bits: 256, isClientVerified: false))
            case .close(let reason):
                closed = reason
                return
            }
        }
    }

    /// PLAIN and LOGIN for the user `ada`, whose password is `secret`.
    private mutating func answer(_ message: AuthenticationMessage) -> AuthenticationAnswer {
        if let answer = authenticationAnswer {
            authenticationAnswer = nil
            return answer
        }
        var step: SASLServerStep
        switch message {
        case .start(let name, let response):
            let functions = HashFunctions(
                hash: { _, _ in [] }, authenticate: { _, _, _ in [] }, derive: { _, _, _, _ in [] }, areEqual: { $0 == $1 })
            guard let known = SASLMechanism(name: octets(name)),
                var server = SASLServer(mechanism: known, nonce: octets("n"), functions: functions)
            else { return .unavailable }
            step = server.start(response)
            mechanism = server
        case .response(let response):
            guard var server = mechanism else { return .unavailable }
            step = server.respond(response)
            mechanism = server
        }
        if case .checkPassword(let user, let password) = step, var server = mechanism {
            step = server.passwordChecked(user == "ada" && password == octets("secret"))
        }
        switch step {
        case .challenge(let octets): return .challenge(octets)
        case .succeeded(let user): return .accepted(user: user)
        case .failed, .checkPassword, .findKeys: return .refused
        }
    }

    private func verdict(_ address: MailAddress?) -> Verdict {
        let name = address?.localPart.text ?? ""
        if name.hasPrefix("refused") { return .refuse(Reply(550, "5.1.1", "Invalid recipient")) }
        if name.hasPrefix("later") { return .refuse(Reply(450, "4.2.0", "Temporary failure")) }
        if name.hasPrefix("away") { return .refuse(Reply(421, "4.3.0", "Temporary Error")) }
        return .accept
    }

    /// A session in which EHLO, MAIL and one RCPT are already accepted.
    static func withTransaction(
        parameters: String = "", _ change: (inout ServerSettings) -> Void = { _ in }
    ) throws -> TestServer {
        var server = try TestServer(change)
        let replies = server.say("EHLO client.example", "MAIL FROM:<ada@example.org>\(parameters)", "RCPT TO:<bob@mx.example>")
        #expect(replies.allSatisfy { $0.hasPrefix("250") }, "\(replies)")
        return server
    }

    /// What is stored of this content, behind the trace header; nil when it was refused.
    static func stored(
        _ content: String, _ change: (inout ServerSettings) -> Void = { _ in }
    ) throws -> String? {
        var server = try TestServer.withTransaction(change)
        _ = server.say("DATA")
        server.send(octets(content + "\r\n.\r\n"))
        return server.messages.last.map { String($0.drop(while: { $0 != ";" }).dropFirst(2).drop(while: { $0 != "\n" }).dropFirst()) }
    }
}
