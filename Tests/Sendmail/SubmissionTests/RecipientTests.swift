import MailSyntax
import Testing

@testable import Submission

private func recipients(_ arguments: [String]) -> RecipientList {
    var list = RecipientList()
    for argument in arguments { list.add(bytes(argument), domain: here) }
    return list
}

@Suite("Recipients in arguments") struct RecipientArgumentTests {
    @Test(arguments: [
        (["a,b"], ["a@host.example", "b@host.example"]),
        (["a, b@x.example"], ["a@host.example", "b@x.example"]),
        (["\"Builder, Bob\" <bob@x.example>"], ["bob@x.example"]),
        (["bob (the builder, really)"], ["bob@host.example"]),
        (["<bob@x.example>"], ["bob@x.example"]),
        (["|cmd"], ["|cmd@host.example"]),
        (["/etc/passwd"], ["/etc/passwd@host.example"]),
        (["-froot"], ["-froot@host.example"]),
        (["friends: a, b;"], ["a@host.example", "b@host.example"]),
        (["a,,b,"], ["a@host.example", "b@host.example"])
    ])
    func `are read like a header field`(_ arguments: [String], _ expected: [String]) {
        #expect(recipients(arguments).addresses.map(\.text) == expected)
        #expect(recipients(arguments).invalid.isEmpty)
    }

    @Test func `the same mailbox counts once`() {
        let list = recipients(["a", "a@host.example,a@HOST.example", "<a>", "A"])
        #expect(list.addresses.map(\.text) == ["a@host.example", "A@host.example"])
    }

    @Test func `what is no address is kept apart from those that are`() {
        let list = recipients(["good, b@d@x, also", ":include:/x", "a\nRCPT TO:<c>"])
        #expect(list.addresses.map(\.text).prefix(2) == ["good@host.example", "also@host.example"])
        #expect(!list.invalid.isEmpty)
        // A line break never gets into an address.
        #expect(!list.addresses.contains { $0.bytes.contains(0x0A) })
    }

    @Test func `bytes that are not UTF-8 make no address`() {
        var list = RecipientList()
        list.add([0x61, 0xFF, 0x40, 0x78], domain: here)
        #expect(list.addresses.isEmpty)
        #expect(list.invalid.count == 1)
    }

    @Test func `a thousand are all there, and none twice`() {
        let many = (0..<1000).map { "user\($0)@x.example" }
        #expect(recipients(many + many).addresses.count == 1000)
        #expect(recipients([many.joined(separator: ",")]).addresses.count == 1000)
    }
}

@Suite("Recipients in the header (-t)") struct RecipientHeaderTests {
    @Test(arguments: [
        ("To: a\nCc: b\nBcc: c\n\n", ["a", "b", "c"]),
        ("TO: a\nto: b\n\nTo: text@x.example\n", ["a", "b"]),
        ("To: a,\n b,\n\tc\n\n", ["a", "b", "c"]),
        ("To : a\n\n", ["a"]),
        ("To: undisclosed-recipients:;\nBcc: a\n\n", ["a"]),
        ("To: <bob@host.example>,<carol@host.example>\n\n", ["bob", "carol"]),
        ("To: \"x, y: z; <q@r>\" <a@host.example>\n\n", ["a"]),
        ("To: =?UTF-8?Q?a=2Cb?= <a@host.example>\n\n", ["a"]),
        ("To: J\u{FC}rgen <a@host.example>\n\n", ["a"]),
        ("To: (nested (comment, x@y)) a\n\n", ["a"]),
        ("Reply-To: x\nX-To: y\nApparently-To: z\nTo: a\n\n", ["a"]),
        ("To: a\r\nCc: b\nBcc: c,\r\n d\r\n\r\nbody", ["a", "b", "c", "d"]),
        ("Subject: x\nTo: a", ["a"]),
        ("To: a\nTo: b\nTo: a\n\n", ["a", "b"])
    ])
    func `come from To, Cc and Bcc`(_ message: String, _ expected: [String]) throws {
        #expect(try collected(message) == expected.map { $0 + "@host.example" })
    }

    @Test(arguments: ["Resent-To", "Resent-Cc", "Resent-Bcc", "resent-bcc"])
    func `come from the Resent fields alone when there are any`(_ field: String) throws {
        #expect(try collected("To: a\nCc: b\n\(field): z\nBcc: c\n\n") == ["z@host.example"])
    }

    @Test func `are none where the header names none`() throws {
        #expect(try collected("Subject: x\n\nTo: a\n") == [])
        #expect(try collected("") == [])
        #expect(try collected("just text\nTo: a\n") == [])
    }

    @Test func `are not collected without -t`() throws {
        let filter = try filtered(bytes("To: a\n\n"), settings(collects: false)).filter
        #expect(filter.headerRecipients?.isEmpty == true)
    }

    @Test func `a thousand in one field of many thousand bytes are all found`() throws {
        let names = (0..<1000).map { "user-with-a-long-name-\($0)@some.example" }
        #expect(try collected("To: \(names.joined(separator: ","))\n\n") == names)
        #expect(try collected("To: \(names.joined(separator: ",\n "))\n\n") == names)
    }
}
