import Testing

@testable import SMTPProtocol

@Suite("The end of data is CR LF . CR LF and nothing else (RFC 5321 section 4.1.1.4, VU#302671)")
struct SmugglingTests {
    static let tail = "MAIL FROM:<evil@x.example>\r\nRCPT TO:<bob@mx.example>\r\nDATA\r\nSubject: two\r\n\r\ntwo\r\n.\r\n"

    // Conformance: RFC 5321 section 2.3.8 | a bare CR or LF ends nothing and refuses the message
    @Test(arguments: [
        "\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\r\n.\r\r\n", "\r\n\0.\r\n", "\r\n.\0\r\n",
        "\n\n.\r\n", "\r\r\n.\n", "\r\n.\n\r\n", "\n.\r",
    ])
    func `A lookalike ends nothing, and the message is refused at the real end`(_ lookalike: String) throws {
        var server = try TestServer.withTransaction()
        #expect(server.say("DATA").first?.hasPrefix("354") == true)
        server.send(octets("Subject: one\r\n\r\none" + lookalike + Self.tail))
        let lines = server.takeLines()
        #expect(lines.count == 1)
        #expect(lines.first?.hasPrefix("550 5.6.0 ") == true, "\(lines)")
        #expect(server.senders.count == 1)
        #expect(server.messages.isEmpty)
        #expect(server.rollbacks == 1)
        #expect(server.say("NOOP") == ["250 2.0.0 Ok"])
    }

    @Test(arguments: ["a\rb", "a\nb", "a\0b", "\r", "a\r\r"])
    func `Bare CR, bare LF and NUL are refused in a chunk too`(_ content: String) throws {
        var server = try TestServer.withTransaction()
        let message = "Subject: x\r\n\r\n" + content
        server.send(octets("BDAT \(message.utf8.count) LAST\r\n\(message)"))
        #expect(server.takeLines().first?.hasPrefix("550 5.6.0 ") == true)
        #expect(server.messages.isEmpty)
    }

    // Conformance: RFC 3030 section 2 | a line end may be cut by a chunk
    @Test func `CR and LF of one line end may come in two chunks`() throws {
        var server = try TestServer.withTransaction()
        server.send(octets("BDAT 13\r\nSubject: x\r\n\r" + "BDAT 5 LAST\r\n\nbye!"))
        #expect(server.takeLines().map { $0.prefix(3) } == ["250", "250"])
        #expect(server.messages.first?.hasSuffix("Subject: x\n\nbye!\n") == true)
    }

    @Test(arguments: ["NOOP\n", "NO\rOP\r\n", "NOOP\0\r\n", "\rNOOP\r\n", "NOOP\r\r\n"])
    func `A command with another line end or control characters is refused`(_ line: String) throws {
        var server = try TestServer()
        _ = server.takeLines()
        server.send(octets(line))
        #expect(server.takeLines().first?.hasPrefix("500 5.5.2 ") == true)
    }

    @Test func `A local client may end lines with LF and data with LF . LF`() throws {
        var server = try TestServer { $0.acceptsBareLineFeed = true }
        server.send(octets("EHLO x.example\nMAIL FROM:<a@b.example>\nRCPT TO:<c>\nDATA\nSubject: x\n\n..dot\r\nc\rr\n.\nQUIT\n"))
        #expect(server.closed == .quit)
        #expect(server.messages.first?.hasSuffix("\nSubject: x\n\n.dot\nc\rr\n") == true)
    }

    @Test func `For a local client NUL is refused all the same`() throws {
        #expect(try TestServer.stored("Subject: x\r\n\r\n\0") { $0.acceptsBareLineFeed = true } == nil)
    }
}

@Suite("Sent data never ends early (RFC 5321 section 4.5.2)") struct ContentEncoderTests {
    private static func sent(_ pieces: [String]) -> String {
        var stuffer = ContentEncoder(.dot)
        var output: [UInt8] = []
        for piece in pieces { stuffer.encode(octets(piece), onto: &output) }
        stuffer.finish(onto: &output)
        return text(output)
    }

    @Test(arguments: [
        ("", ".\r\n"),
        ("a\n", "a\r\n.\r\n"),
        ("a", "a\r\n.\r\n"),
        (".\n", "..\r\n.\r\n"),
        ("..a\n.", "...a\r\n..\r\n.\r\n"),
        ("a\r\n.\r\nb\n", "a\r\n..\r\nb\r\n.\r\n"),
        ("a\r.\rb", "a\r\n..\r\nb\r\n.\r\n"),
        ("a\r", "a\r\n.\r\n"),
        ("\n\n", "\r\n\r\n.\r\n"),
        ("\r\r\n\n", "\r\n\r\n\r\n.\r\n"),
    ])
    func `goes out as`(_ stored: String, _ wire: String) {
        #expect(Self.sent([stored]) == wire)
        #expect(Self.sent(stored.utf8.map { String(decoding: [$0], as: UTF8.self) }) == wire)
    }

    @Test func `Whatever is stored, a server finds one message and no bare line end`() {
        var generator = SeededGenerator(seed: 302_671)
        let alphabet = octets("..\r\n\na")
        for _ in 0..<5_000 {
            let message = (0..<Int.random(in: 0...24, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator) ?? 0
            }
            var stuffer = ContentEncoder(.dot)
            var wire: [UInt8] = []
            let cut = Int.random(in: 0...message.count, using: &generator)
            stuffer.encode(Array(message[..<cut]), onto: &wire)
            stuffer.encode(Array(message[cut...]), onto: &wire)
            stuffer.finish(onto: &wire)
            var decoder = ContentDecoder(.dotStuffed, acceptsBareLineFeed: false, textLineLimit: 1_000)
            var position = 0
            var decoded: [UInt8] = []
            #expect(decoder.decode(wire, from: &position, to: wire.count, onto: &decoded))
            #expect(position == wire.count)
            #expect(decoder.fault == nil)
        }
    }
}
