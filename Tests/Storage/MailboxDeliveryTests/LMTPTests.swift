import Envelopes
import Glibc
import MailSyntax
import Platform
import SMTPProtocol
import Testing

@testable import MailboxDelivery

/// A server on a Unix socket that answers one connection from a script, on a thread of its own.
private final class FakeServer: @unchecked Sendable {  // The transcript is read after the thread was joined.
    let path: String
    private let listener: OwnedDescriptor
    private let script: [(command: String, reply: String)]
    private(set) var transcript = ""
    private var thread = pthread_t()

    /// - Parameter script: The beginning of a line and what is answered to it, each used once and in order;
    ///   an empty reply closes the connection, `silence` says nothing more.
    init(_ scratch: Scratch, greeting: String = "220 hi", _ script: [(String, String)]) throws {
        path = scratch.path + "/socket"
        listener = try ListeningSocket.local(path: path, mode: 0o600)
        try listener.setNonBlocking(false)
        self.script = [("", greeting)] + script
        let box = Unmanaged.passRetained(self)
        pthread_create(&thread, nil, { argument in
            // Passed above, retained.
            Unmanaged<FakeServer>.fromOpaque(argument!).takeRetainedValue().serve()
            return nil
        }, box.toOpaque())
    }

    func join() -> String {
        pthread_join(thread, nil)
        return transcript
    }

    private func serve() {
        let raw = accept(listener.raw, nil, nil)
        guard raw >= 0 else { return }
        let connection = OwnedDescriptor(adopting: raw)
        var input = ""
        var room = [UInt8](repeating: 0, count: 65_536)
        for (command, reply) in script {
            while !command.isEmpty, !input.contains(command) {
                guard let count = try? Files.readSome(connection, into: &room), count > 0 else { return }
                let text = String(decoding: room[..<count], as: UTF8.self)
                transcript += text
                input += text
            }
            if let range = input.firstRange(of: command), !command.isEmpty { input = String(input[range.upperBound...]) }
            if reply == "silence" {
                while let count = try? Files.readSome(connection, into: &room), count > 0 {}
                return
            }
            guard !reply.isEmpty, (try? Files.writeAll(connection, Array((reply + "\r\n").utf8))) != nil else { return }
        }
        while let count = try? Files.readSome(connection, into: &room), count > 0 {
            transcript += String(decoding: room[..<count], as: UTF8.self)
        }
    }
}

private func deliver(_ server: FakeServer, _ messages: [(String, [String])], timeout: Int64? = nil) throws -> [[DeliveryOutcome]] {
    let destination = try #require(LMTPDestination(server.path))
    let helo = try Domain(validating: Array("localhost".utf8))
    return LMTPDelivery(to: destination, helo: helo, timeout: timeout).deliver(
        try messages.map { text, users in
            LMTPDelivery.Delivery(
                message: message(text, prefix: "Delivered-To: ada@example.org\n"), sender: .mailbox(try mailAddress("bob")),
                recipients: try users.map { .user(try LocalPart(validating: Array($0.utf8))) }, size: Int64(text.utf8.count + 30))
        })
}

@Suite("LMTP delivery (RFC 2033)") struct LMTPTests {
    @Test func `several messages go over one connection, each recipient with its own result`() throws {
        let scratch = try Scratch()
        let server = try FakeServer(
            scratch,
            [
                ("LHLO localhost\r\n", "250-hi\r\n250 SIZE"), ("MAIL FROM:<bob@example.org> SIZE=36\r\n", "250 ok"),
                ("RCPT TO:<ada>\r\n", "250 ok"), ("RCPT TO:<eve>\r\n", "550 5.1.1 who"), ("DATA\r\n", "354 go"),
                ("\r\n.\r\n", "250 2.0.0 stored"), ("MAIL", "250 ok"), ("RCPT TO:<ada>", "250 ok"), ("DATA\r\n", "354 go"),
                ("\r\n.\r\n", "452 4.2.2 full"), ("QUIT", "221 bye"),
            ])
        let results = try deliver(server, [("A: b\n.", ["ada", "eve"]), ("second\n", ["ada"])])
        let transcript = server.join()
        #expect(results.map { $0.map(\.isDelivered) } == [[true, false], [false]])
        #expect(results[0][1].permanentStatus == "5.1.1")
        #expect(results[1][0].temporaryStatus == "4.2.2")
        #expect(transcript.contains("DATA\r\nDelivered-To: ada@example.org\r\nA: b\r\n..\r\n.\r\n"))
    }

    @Test(arguments: [
        ("nothing", [("LHLO", "")]), ("greeting", [("LHLO", "500 no")]),
        ("after MAIL", [("LHLO", "250 hi"), ("MAIL", "")]),
        ("in the data", [("LHLO", "250 hi"), ("MAIL", "250 ok"), ("RCPT", "250 ok"), ("DATA", "")]),
        ("before the verdict", [("LHLO", "250 hi"), ("MAIL", "250 ok"), ("RCPT", "250 ok"), ("DATA", "354 go"), ("\r\n.\r\n", "")]),
        ("nonsense", [("LHLO", "250 hi"), ("MAIL", "hello")]),
    ])
    func `a session that breaks makes everything temporary`(_ where: String, _ script: [(String, String)]) throws {
        let scratch = try Scratch()
        let server = try FakeServer(scratch, script)
        let results = try deliver(server, [("x\n", ["ada"]), ("y\n", ["eve", "bob"])])
        #expect(results.map(\.count) == [1, 2])
        #expect(results.joined().allSatisfy { $0.temporaryStatus != nil })
        _ = server.join()
    }

    @Test func `a silent server is left`() throws {
        let scratch = try Scratch()
        let server = try FakeServer(scratch, [("LHLO", "silence")])
        let results = try deliver(server, [("x\n", ["ada"])], timeout: 100)
        #expect(results == [[.temporary(DeliveryFailure(status: "4.4.2", text: "Timeout waiting for server"))]])
        _ = server.join()
    }

    @Test func `where nobody listens it is temporary`() throws {
        let scratch = try Scratch()
        let helo = try Domain(validating: Array("localhost".utf8))
        for place in [scratch.path + "/none", "127.0.0.1:1", "[::1]:1"] {
            let delivery = LMTPDelivery.Delivery(
                message: message("x"), sender: .null, recipients: [.user(try LocalPart(validating: [0x61]))], size: 1)
            let results = LMTPDelivery(to: try #require(LMTPDestination(place)), helo: helo).deliver([delivery])
            #expect(results[0][0].temporaryStatus == "4.4.1")
        }
    }

    @Test(arguments: [
        ("localhost", LMTPDestination.internet(host: "localhost", port: 25)), ("h:24", .internet(host: "h", port: 24)),
        ("[::1]", .internet(host: "::1", port: 25)), ("[::1]:65535", .internet(host: "::1", port: 65_535)),
        ("/run/lmtp socket", .local(path: "/run/lmtp socket")), ("", nil), (":24", nil), ("h:", nil), ("h:0", nil), ("h:65536", nil),
        ("h:+1", nil), ("::1", nil), ("[::1", nil), ("[::1]x", nil), ("[]", nil), ("h h", nil), ("/a\u{0}", nil),
        ("/" + String(repeating: "x", count: 106), .local(path: "/" + String(repeating: "x", count: 106))),
        ("/" + String(repeating: "x", count: 107), nil),
    ] as [(String, LMTPDestination?)])
    func `destinations`(_ text: String, _ expected: LMTPDestination?) {
        #expect(LMTPDestination(text) == expected)
    }
}

extension String {
    fileprivate func firstRange(of part: String) -> Range<String.Index>? {
        guard !part.isEmpty else { return nil }
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(part) { return start..<index(start, offsetBy: part.count) }
            start = index(after: start)
        }
        return nil
    }
}
