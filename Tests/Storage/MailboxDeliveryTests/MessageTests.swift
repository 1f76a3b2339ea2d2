import Envelopes
import Glibc
import MailSyntax
import Platform
import SeededTesting
import Testing

@testable import MailboxDelivery

@Suite("The message on its way into a mailbox") struct MessageSourceTests {
    private func all(_ source: MessageSource) throws -> String {
        var result: [UInt8] = []
        while let chunk = try source.next() { result += chunk }
        return String(decoding: result, as: UTF8.self)
    }

    @Test func `prefix and content come in order, with and without a look at the header`() throws {
        for looks in [false, true] {
            let scratch = try Scratch()
            let text = "A: b\n\n" + String(repeating: "line\n", count: 50_000)
            try scratch.write("file", "junk" + text + "more")
            let path = scratch.path + "/file"
            let sources = [
                MessageSource(prefix: Array("P: q\n".utf8), .bytes(Array(text.utf8))),
                MessageSource(
                    prefix: Array("P: q\n".utf8),
                    .extent(SharedDescriptor(try Files.open(path, O_RDONLY)), offset: 4, size: Int64(text.utf8.count))),
            ]
            for source in sources {
                if looks { _ = try source.header() }
                #expect(try all(source) == "P: q\n" + text)
            }
            let stream = MessageSource(.stream(SharedDescriptor(try Files.open(path, O_RDONLY))))
            if looks { _ = try stream.header() }
            #expect(try all(stream) == "junk" + text + "more")
        }
    }

    @Test func `two messages read one descriptor`() throws {
        let scratch = try Scratch()
        try scratch.write("file", "firstsecond")
        let file = SharedDescriptor(try Files.open(scratch.path + "/file", O_RDONLY))
        let first = MessageSource(.extent(file, offset: 0, size: 5))
        let second = MessageSource(.extent(file, offset: 5, size: 6))
        #expect(try all(second) == "second")
        #expect(try all(first) == "first")
    }

    @Test func `a file shorter than announced is an error, not a short message`() throws {
        let scratch = try Scratch()
        try scratch.write("file", "12345")
        let file = SharedDescriptor(try Files.open(scratch.path + "/file", O_RDONLY))
        #expect(throws: SystemError.self) { try all(MessageSource(.extent(file, offset: 0, size: 6))) }
        #expect(try all(MessageSource(.extent(file, offset: 5, size: 0))) == "")
    }

    @Test func `the search for the end of the header is bounded`() throws {
        let source = MessageSource(.bytes([UInt8](repeating: 0x61, count: 4 << 20)))
        #expect(try !source.header().isMarkedAsSpam)
    }
}

@Suite("Loop and spam fields") struct MessageHeaderTests {
    private func header(_ text: String) throws -> MessageHeader { try message(text).header() }

    @Test(arguments: [
        ("Delivered-To: ada@example.org\n\n", true), ("delivered-to:ADA@EXAMPLE.ORG\n\n", true),
        ("A: b\nDelivered-To: ada@example.org\r\n\n", true), ("Delivered-To: bob@example.org\n\n", false),
        ("A: b\n\nDelivered-To: ada@example.org\n", false), ("Delivered-To: ada@example.org.evil\n\n", false),
        ("X-Delivered-To: ada@example.org\n\n", false), ("\nDelivered-To: ada@example.org\n", false),
        ("Delivered-To\n\n", false), ("", false), ("Delivered-To: ada@example.org", true),
    ])
    func `a message that has been here is known`(_ text: String, _ isLoop: Bool) throws {
        #expect(try header(text).isDelivered(to: mailAddress("ada")) == isLoop)
    }

    @Test func `the fields of delivery are one Return-Path and one Delivered-To`() throws {
        let ada = try mailAddress("ada")
        #expect(deliveryFields(sender: .null, recipient: ada) == Array("Return-Path: <>\nDelivered-To: ada@example.org\n".utf8))
        let quoted = try mailAddress("a \"b")
        #expect(
            deliveryFields(sender: .mailbox(quoted), recipient: ada)
                == Array("Return-Path: <\"a \\\"b\"@example.org>\nDelivered-To: ada@example.org\n".utf8))
    }

    @Test func `mutated headers are read without harm`() throws {
        var generator = SplitMix64(seed: 3)
        let ada = try mailAddress("ada")
        let seed = Array("Return-Path: <>\nDelivered-To: ada@example.org\nX-Spam: yes\nA: b\n c\n\nbody\n".utf8)
        for _ in 0..<10_000 {
            var bytes = seed
            for _ in 0..<4 {
                let index = Int.random(in: bytes.indices, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.removeSubrange(index..<min(bytes.count, index + 3))
                default: bytes.insert(contentsOf: bytes[..<min(5, index)], at: index)
                }
                if bytes.isEmpty { bytes = seed }
            }
            let header = try MessageSource(.bytes(bytes)).header()
            _ = header.isDelivered(to: ada)
            _ = header.isMarkedAsSpam
        }
    }

    @Test(arguments: [
        ([0x41, 0x0A, 0x42, 0x7F], "A?B?"), ([], ""),
    ] as [([UInt8], String)])
    func `reports are one printable line`(_ bytes: [UInt8], _ text: String) {
        #expect(printable(bytes) == text)
    }

    @Test func `reports are bounded, also where bytes become replacement characters`() {
        #expect(printable([UInt8](repeating: 0xFF, count: 5_000)).utf8.count <= 400)
        #expect(printable(String(repeating: "é", count: 5_000)).utf8.count <= 400)
    }
}
