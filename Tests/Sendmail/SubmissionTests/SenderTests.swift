import MailSyntax
import Testing

@testable import Submission

private func sender(_ words: [String], user: String = "ada", gecos: String = "") throws -> SubmissionSender {
    let read = try #require(options(words + ["bob"]))
    return try SubmissionSender(options: read, user: bytes(user), realName: bytes(gecos), domain: here)
}

@Suite("The sender of a submitted message") struct SenderTests {
    @Test func `without -f it is the real user at the mail name`() throws {
        #expect(try sender([]).reversePath.text == "ada@host.example")
    }

    @Test(arguments: [
        ("x@y.example", "x@y.example"), ("<x@y.example>", "x@y.example"), ("x", "x@host.example"),
        ("Some One <x@y.example>", "x@y.example"), ("a+b=c@y.example", "a+b=c@y.example"),
        ("\"a b\"@y.example", "\"a b\"@y.example"), (" x@y.example ", "x@y.example"), ("|cmd", "|cmd@host.example"),
        ("", ""), ("<>", ""), (" <> ", ""), ("-froot", "-froot@host.example")
    ])
    func `with -f it is that address`(_ given: String, _ expected: String) throws {
        #expect(try sender(["-f", given]).reversePath.text == expected)
        #expect(try sender(["-r", given]).reversePath.text == expected)
    }

    @Test(arguments: [
        "a@b, c@d", "a b@c", "x@", "x\ny@z", "x@y\r\nRCPT TO:<z>", "<x@y", "x@y>z", ":include:/etc/passwd"
    ])
    func `what is not one address is refused, line breaks above all`(_ given: String) {
        #expect(throws: UsageError.invalidSender(bytes(given))) { try sender(["-f", given]) }
    }

    @Test func `the full name comes from -F, else from the gecos field up to its comma`() throws {
        #expect(text(try sender([], gecos: "Ada Lovelace,Room 1,,").fromField) == "Ada Lovelace <ada@host.example>")
        #expect(text(try sender([], gecos: "& Lovelace").fromField) == "Ada Lovelace <ada@host.example>")
        #expect(text(try sender([], gecos: "").fromField) == "ada@host.example")
        #expect(text(try sender(["-F", "Cron"], gecos: "Ada").fromField) == "Cron <ada@host.example>")
        #expect(text(try sender(["-F", ""], gecos: "Ada").fromField) == "ada@host.example")
        #expect(text(try sender(["-f", "x@y.example", "-F", "N"]).fromField) == "N <x@y.example>")
        #expect(text(try sender(["-f", "<>"], gecos: "Ada").fromField) == "Ada <ada@host.example>")
    }

    @Test(arguments: [
        "Builder, Bob", "J. R. \"Bob\" Dobbs", "back\\slash", "a@b", "(comment)", "x <y@z>", "semi;colon:",
        "=?UTF-8?Q?x?=",
        "line\nBcc: victim@x.example", "cr\rlf\r\n", "J\u{FC}rgen M\u{FC}ller", "\u{1F600} face", "tab\there", ".",
        "[x]",
        String(repeating: "long name ", count: 100), String(repeating: "\u{E9}", count: 400)
    ])
    func `whatever the name holds, the field is one line of exactly one address`(_ name: String) throws {
        let field = try sender(["-F", name]).fromField
        let (mailboxes, errors) = AddressListParser.addresses(in: field, defaultDomain: here)
        #expect(mailboxes.map(\.text) == ["ada@host.example"])
        #expect(errors.isEmpty)
        #expect(field.allSatisfy { $0 < 0x7F && ($0 >= 0x20 || $0 == 0x0A) })
        // Every line but the first is folding.
        for line in field.split(separator: 0x0A).dropFirst() { #expect(line.first == 0x20) }
        // The header it stands in has no field that the name brought.
        let message = text(
            try filtered(
                bytes("\n"),
                MessageFilter.Settings(
                    domain: here, ignoresDots: true, collectsRecipients: false, from: field, date: bytes("d"),
                    messageID: bytes("<m>"))
            ).output)
        #expect(!message.contains("\nBcc"))
    }

    @Test func `words of the encoded name hold whole characters and 75 at most`() throws {
        let field = text(try sender(["-F", String(repeating: "\u{20AC}uro ", count: 30)]).fromField)
        let words = field.split(whereSeparator: { $0 == " " || $0 == "\n" }).filter { $0.hasPrefix("=?") }
        #expect(words.count > 2)
        for word in words {
            #expect(word.utf8.count <= 75)
            #expect(word.hasPrefix("=?UTF-8?Q?") && word.hasSuffix("?="))
            // Each Euro sign is three escapes in the same word.
            #expect(
                word.split(separator: "=E2", omittingEmptySubsequences: false).dropFirst().allSatisfy {
                    $0.hasPrefix("=82=AC")
                })
        }
    }

    @Test func `a name that is not UTF-8 says so`() {
        var read = SubmissionOptions()
        read.recipients = [bytes("b")]
        read.fullName = [0x4A, 0xFC, 0x72]
        let field = try? SubmissionSender(options: read, user: bytes("ada"), realName: [], domain: here).fromField
        #expect(field.map(text) == "=?unknown-8bit?Q?J=FCr?= <ada@host.example>")
    }
}
