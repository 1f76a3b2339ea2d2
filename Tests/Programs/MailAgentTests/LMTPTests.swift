import AgentMessages
import Envelopes
import Glibc
import MailSyntax
import Platform
import Testing

/// An LMTP server on a Unix socket, on a thread of its own: users are taken, or refused for now (`later`) or
/// for good (`never`), by name.
private final class NamedServer: @unchecked Sendable {  // The messages are read after the thread was joined.
    let path: String
    private(set) var messages: [String] = []
    private let listener: OwnedDescriptor
    private var thread = pthread_t()

    /// Serves as many connections as told.
    init(_ workshop: Workshop, connections: Int) throws {
        path = workshop.home + "/socket"
        listener = try ListeningSocket.local(path: path, mode: 0o666)
        try listener.setNonBlocking(false)
        remaining = connections
        let box = Unmanaged.passRetained(self)
        pthread_create(&thread, nil, { argument in
            // Passed above, retained.
            let server = Unmanaged<NamedServer>.fromOpaque(argument!).takeRetainedValue()
            while server.remaining > 0 {
                server.remaining -= 1
                server.serve()
            }
            return nil
        }, box.toOpaque())
    }

    private var remaining: Int

    func join() -> [String] {
        pthread_join(thread, nil)
        return messages
    }

    private func serve() {
        let raw = accept(listener.raw, nil, nil)
        guard raw >= 0 else { return }
        let connection = OwnedDescriptor(adopting: raw)
        func say(_ text: String) { try? Files.writeAll(connection, Array((text + "\r\n").utf8)) }
        say("220 hi")
        var accepted = 0
        var data: [Substring]?
        var input: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 65_536)
        while let count = try? Files.readSome(connection, into: &room), count > 0 {
            input += room[..<count]
            while let end = input.firstIndex(of: 0x0A) {
                let line = Substring(decoding: input[..<end].filter { $0 != 0x0D }, as: UTF8.self)
                input.removeSubrange(...end)
                if let lines = data {
                    guard line == "." else {
                        data = lines + [line]
                        continue
                    }
                    data = nil
                    messages.append(lines.joined(separator: "\n"))
                    for _ in 0..<accepted { say("250 2.0.0 stored") }
                    accepted = 0
                } else if line.hasPrefix("RCPT TO:<later") {
                    say("450 4.2.1 later")
                } else if line.hasPrefix("RCPT TO:<never") {
                    say("550 5.1.1 never")
                } else if line == "DATA" {
                    say("354 go")
                    data = []
                } else if line == "QUIT" {
                    say("221 bye")
                } else {
                    if line.hasPrefix("RCPT") { accepted += 1 }
                    say("250 ok")
                }
            }
        }
    }
}

@Suite("LMTP through the agent and mail.lmtp (RFC 2033)") struct LMTPTests {
    @Test func `a batch shares a connection, and Return-Path is left to the server`() throws {
        let workshop = try Workshop()
        let server = try NamedServer(workshop, connections: 1)
        let agent = try AgentUnderTest(workshop)
        func method(_ user: String) throws -> DeliveryMethod {
            .lmtp(destination: server.path, recipient: .user(try LocalPart(validating: Array(user.utf8))))
        }
        try agent.send([
            .deliver(try request(1, method("ada"))), .deliver(try request(2, method("later"))),
            .deliver(try request(3, method("never"))),
            .deliver(try request(4, .lmtp(destination: server.path, recipient: .address(try mailAddress("bob"))))),
            .deliver(try request(5, .lmtp(destination: "nonsense:x", recipient: .address(try mailAddress("bob"))))),
        ])
        let outcomes = try agent.outcomes(5)
        #expect(outcomes[1]?.isDelivered == true)
        #expect(outcomes[2]?.temporaryStatus == "4.2.1")
        #expect(outcomes[3]?.permanentStatus == "5.1.1")
        #expect(outcomes[4]?.isDelivered == true)
        #expect(outcomes[5]?.temporaryStatus == "4.3.5")
        #expect(try agent.finish() == .exited(0))
        let message = "Delivered-To: ada+x@example.org\nA: b\n\nbody"
        #expect(server.join() == [message, message])
    }

    @Test func `exit statuses of mail.lmtp`() throws {
        let workshop = try Workshop()
        let cases: [(arguments: [String], status: CInt)] = [
            (["ada"], 0), (["ada", "bob@example.org"], 0), (["-u"], 0), (["-r"], 69), (["never"], 69), (["ada", "never"], 69),
            (["later"], 75), (["never", "later"], 75), (["-f", "<bob@example.org>", "-lmx.example.org", "ada"], 0),
        ]
        let server = try NamedServer(workshop, connections: cases.count)
        for (arguments, status) in cases {
            let result = try workshop.run(
                "mail.lmtp", ["-d", server.path] + arguments,
                environment: ["USER=ada", "RECIPIENT=never@example.org", "SENDER=bob@example.org"])
            #expect(result.status == .exited(status), "\(arguments): \(result.said)")
        }
        #expect(server.join().count == 5)
    }
}
