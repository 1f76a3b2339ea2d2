@testable import Milters
import SeededTesting
import Testing

@Suite("Changes that milters make to a message") struct MessageChangeTests {
    private let message = "Received: ours\n\tfolded\nSubject: one\nX-A: 1\nx-a : 2\nTo: a@b.example\n\n"

    private func field(_ name: String, _ value: String) -> MessageChange.Field {
        MessageChange.Field(name: Array(name.utf8), value: Array(value.utf8))
    }

    private func changed(_ text: String, _ changes: MessageChange...) -> String {
        var header = EditableHeader(Array(text.utf8))
        for change in changes { header.apply(change) }
        return String(decoding: header.bytes, as: UTF8.self)
    }

    @Test func `A header without changes is what it was`() {
        for text in [message, "Subject: x\n", "\n", "", "Subject: x"] {
            #expect(changed(text) == (text == "Subject: x" ? text + "\n" : text))
        }
    }

    @Test func `The field that this server has put on top is hidden`() {
        let header = EditableHeader(Array(message.utf8))
        #expect(
            header.visibleFields == [field("Subject", " one"), field("X-A", " 1"), field("x-a", " 2"), field("To", " a@b.example")])
    }

    @Test func `A new field goes behind the last`() {
        #expect(changed("A: 1\n\n", .addHeader(field("B", " 2"))) == "A: 1\nB: 2\n\n")
    }

    @Test(arguments: [(0, 0), (1, 1), (2, 2), (5, 5), (99, 5), (Int(UInt32.max), 5)])
    func `A field is inserted where the milter says, counted with the trace field`(_ place: Int, _ expected: Int) {
        var lines = message.dropLast().split(separator: "\n").map(String.init)
        lines[0...1] = ["Received: ours\n\tfolded"]
        lines.insert("New: 1", at: expected)
        #expect(changed(message, .insertHeader(at: place, field("New", " 1"))) == lines.joined(separator: "\n") + "\n\n")
    }

    @Test func `Without a trace field the first place is the first`() {
        #expect(changed("A: 1\n\n", .insertHeader(at: 0, field("N", " 1"))) == "N: 1\nA: 1\n\n")
        #expect(changed("A: 1\n\n", .insertHeader(at: 1, field("N", " 1"))) == "N: 1\nA: 1\n\n")
    }

    @Test func `The trace field stays hidden below what filters have put above it`() {
        let text = "X-Spam: Yes\nReceived: ours\nReceived: other\nA: 1\n\n"
        #expect(
            EditableHeader(Array(text.utf8)).visibleFields
                == [field("X-Spam", " Yes"), field("Received", " other"), field("A", " 1")])
        #expect(
            changed(
                text, .insertHeader(at: 0, field("N", " 1")), .changeHeader(occurrence: 1, field("X-Spam", "")),
                .changeHeader(occurrence: 1, field("Received", "")), .insertHeader(at: 2, field("N", " 2")))
                == "N: 1\nReceived: ours\nN: 2\nA: 1\n\n")
    }

    @Test func `The named occurrence is changed, without regard to case`() {
        #expect(changed("X-A: 1\nx-a: 2\n\n", .changeHeader(occurrence: 2, field("X-a", " 3"))) == "X-A: 1\nX-a: 3\n\n")
        #expect(changed("X-A: 1\nx-a: 2\n\n", .changeHeader(occurrence: 0, field("X-a", " 3"))) == "X-a: 3\nx-a: 2\n\n")
    }

    @Test func `An empty value removes, and what is not there is added`() {
        #expect(changed("X-A: 1\nx-a: 2\n\n", .changeHeader(occurrence: 1, field("X-A", ""))) == "x-a: 2\n\n")
        #expect(changed("X-A: 1\n\n", .changeHeader(occurrence: 2, field("X-A", ""))) == "X-A: 1\n\n")
        #expect(changed("X-A: 1\n\n", .changeHeader(occurrence: 2, field("X-A", " 2"))) == "X-A: 1\nX-A: 2\n\n")
    }

    @Test func `Our own trace field cannot be changed`() {
        #expect(changed("Received: ours\nReceived: other\n\n", .changeHeader(occurrence: 1, field("Received", ""))) == "Received: ours\n\n")
    }

    @Test func `A value cannot begin another field or the body`() {
        func value(_ text: String, keeping: Bool = false) -> String {
            String(decoding: field("X", text).normalized(keepsLeadingSpace: keeping).value, as: UTF8.self)
        }
        #expect(value("a\r\n b\n\tc") == " a\n b\n\tc")
        #expect(value("a\nBcc: x@y") == " a\n\tBcc: x@y")
        #expect(value("a\n\n\nb\n\n") == " a\n\tb")
        #expect(value("\n\nb", keeping: true) == "\n\tb")
        #expect(value(" a", keeping: true) == " a")
    }

    // MARK: Header and body

    @Test func `Header and body are told apart however they come`() {
        for text in [message + "body\n\nmore\n", "\nbody\n", "A: 1\n", ""] {
            for step in 1...5 {
                var divider = MessageDivider()
                var body: [UInt8] = []
                let bytes = Array(text.utf8)
                for start in stride(from: 0, to: bytes.count, by: step) {
                    body += divider.append(Array(bytes[start..<min(start + step, bytes.count)]))
                }
                #expect(divider.header + body == bytes)
                #expect(String(decoding: body, as: UTF8.self) == (text == message + "body\n\nmore\n" ? "body\n\nmore\n" : text == "\nbody\n" ? "body\n" : ""))
            }
        }
    }

    @Test func `A body is cut into pieces of the protocol's size, never within a line end`() {
        var random = SplitMix64(seed: 3)
        var bytes: [UInt8] = []
        while bytes.count < 400_000 {
            bytes += Array(repeating: 0x78, count: random.next(below: random.next(below: 8) == 0 ? 90_000 : 100)) + [0x0A]
        }
        var body = WireBody()
        var pieces: [[UInt8]] = []
        for start in stride(from: 0, to: bytes.count, by: 7_001) {
            pieces += body.append(Array(bytes[start..<min(start + 7_001, bytes.count)]))
        }
        if let last = body.finish() { pieces.append(last) }
        #expect(pieces.allSatisfy { (1...MilterCommand.maximumBody).contains($0.count) && $0.first != 0x0A })
        #expect(pieces.flatMap(\.self) == bytes.flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] })
    }

    @Test func `A new body is stored with LF, and its last line is ended`() throws {
        func stored(_ text: String, by step: Int) throws -> String {
            var body = StoredBody(maximumLine: 10)
            var output: [UInt8] = []
            let bytes = Array(text.utf8)
            for start in stride(from: 0, to: bytes.count, by: step) {
                output += try body.append(Array(bytes[start..<min(start + step, bytes.count)]))
            }
            return String(decoding: output + body.finish(), as: UTF8.self)
        }
        for step in 1...4 {
            #expect(try stored("a\r\nb\r\n", by: step) == "a\nb\n")
            #expect(try stored("a\nb", by: step) == "a\nb\n")
            #expect(try stored("a\rb\r\r\n\r", by: step) == "a\nb\n\n\n")
            #expect(try stored("123456789\r\n", by: step) == "123456789\n")
            #expect(throws: MilterFault.bodyContent) { try stored("1234567890\r\n", by: step) }
            #expect(throws: MilterFault.bodyContent) { try stored("a\0", by: step) }
        }
    }
}
