import Configuration
import MailSyntax
import SeededTesting
import Tables
import Testing

@testable import Rules

private let values = FormatValues(
    sender: .mailbox(mail("Ada+x@example.org")), recipient: mail("bob+tag@example.org"),
    destination: mail("robert@mail.example.net"), userName: "bob", userDirectory: "/home/b.o'b", command: "/bin/x -y \"$1\"")

private func expand(
    _ template: String, _ values: FormatValues = values, _ use: FormatUse = .path, _ generation: Generation = .match
) throws -> String {
    try FormatTemplate(template, generation: generation).expand(values, for: use)
}

@Suite("Format specifiers (smtpd.conf(5))") struct FormatTemplateTests {
    @Test(arguments: [
        ("", ""), ("/var/mail/x", "/var/mail/x"), ("100%", "100%"), ("%%{x", "%{x"), ("%d", "%d"),
        ("%{sender}", "Ada+x@example.org"), ("%{sender.user}", "Ada+x"), ("%{sender.domain}", "example.org"),
        ("%{rcpt}", "bob+tag@example.org"), ("%{rcpt.user}", "bob+tag"), ("%{rcpt.domain}", "example.org"),
        ("%{dest}", "robert@mail.example.net"), ("%{dest.user}", "robert"), ("%{dest.domain}", "mail.example.net"),
        ("%{user.username}", "bob"), ("%{user.directory}", "/home/b.o'b"), ("%{mbox.from}", "Ada+x@example.org"),
        ("%{mda}", "/bin/x -y \"$1\""), ("%{USER.Username}", "bob"),
        ("~/Maildir", "/home/b.o'b/Maildir"), ("/x/~/y", "/x/~/y"), ("~", "~"),
        ("%{rcpt.domain[0]}", "e"), ("%{rcpt.domain[0:4]}", "examp"), ("%{rcpt.domain[1:]}", "xample.org"),
        ("%{rcpt.domain[:2]}", "exa"), ("%{rcpt.domain[0:-4]}", "example"), ("%{rcpt.domain[-3:]}", "org"),
        ("%{rcpt.domain[-1]}", "g"), ("%{rcpt.domain[10]}", "g"), ("%{rcpt.domain[0:99]}", "example.org"),
        ("%{sender.user:lowercase}", "ada+x"), ("%{sender:uppercase}", "ADA+X@EXAMPLE.ORG"),
        ("%{rcpt:strip}", "bob@example.org"), ("%{rcpt.user:strip|uppercase}", "BOB"), ("%{rcpt.user[0:1]:uppercase}", "BO"),
        ("/v/%{dest.domain}/%{dest.user[0]}/%{dest.user}/", "/v/mail.example.net/r/robert/"),
    ])
    func `expands`(_ template: String, _ expected: String) throws {
        #expect(try expand(template) == expected)
    }

    @Test(arguments: [
        ("%{sender", FormatTemplate.FormatError.unterminated), ("%{nobody}", .unknownToken("nobody")),
        ("%{}", .unknownToken("")), ("%{sender:loud}", .unknownModifier("loud")), ("%{sender:}", .unknownModifier("")),
        ("%{sender:raw|}", .unknownModifier("")), ("%{sender[x]}", .malformedRange("x")), ("%{sender[]}", .malformedRange("")),
        ("%{sender[1:2:3]}", .malformedRange("1:2:3")), ("%{sender[1}", .malformedRange("[1")),
        ("%{sender[1]x}", .malformedRange("x")), ("%{sender[9999999]}", .malformedRange("9999999")),
        ("%{rcpt.domain[11]}", .rangeBeyondEnd(.recipientDomain)), ("%{rcpt.domain[-12]}", .rangeBeyondEnd(.recipientDomain)),
        ("%{rcpt.domain[5:3]}", .rangeBeyondEnd(.recipientDomain)),
        ("%{" + String(repeating: "x", count: 128) + "}", .tokenTooLong),
        (String(repeating: "x", count: 1024), .tooLong),
    ])
    func `refuses`(_ template: String, because reason: FormatTemplate.FormatError) {
        #expect(throws: reason) { try expand(template) }
    }

    @Test func `limits are reached and not exceeded`() throws {
        #expect(try expand(String(repeating: "x", count: 1023)).utf8.count == 1023)
        #expect(throws: FormatTemplate.FormatError.unknownToken(String(repeating: "x", count: 127))) {
            try expand("%{" + String(repeating: "x", count: 127) + "}")
        }
    }

    @Test func `the null sender is empty, and MAILER-DAEMON in a mailbox`() throws {
        var values = values
        values.sender = .null
        #expect(try expand("<%{sender}%{sender[0:3]}>", values) == "<>")
        #expect(try expand("%{mbox.from}", values) == "MAILER-DAEMON")
        #expect(throws: FormatTemplate.FormatError.emptyValue(.sender)) { try expand("%{sender}", values, .path, .accept) }
    }

    @Test func `special characters become colons unless raw`() throws {
        var values = values
        values.recipient = mail("a!#$%&'*?`{|}~z@example.org")
        #expect(try expand("%{rcpt.user}", values) == "a:::::::::::::z")
        #expect(try expand("%{rcpt.user:raw}", values) == "a!#$%&'*?`{|}~z")
        #expect(try expand("%{rcpt.user}", values, .path, .accept) == "a!#$%&'::`{|}~z")
        values.recipient = mail("a/b@example.org")
        #expect(try expand("%{rcpt.user}", values, .path, .accept) == "a:b")
    }

    @Test func `the older language knows no mailbox sender and no wrapper`() {
        for name in ["mbox.from", "mda"] {
            #expect(throws: FormatTemplate.FormatError.unknownToken(name)) { try expand("%{\(name)}", values, .path, .accept) }
        }
    }

    @Test(arguments: [
        ("../../etc/x", "etcx"), ("/etc/passwd", "etcpasswd"), (".hidden", "hidden"), ("a/../b", "a..b"),
        ("./.x", "x"),
    ])
    func `no value leaves its directory`(_ name: String, _ expected: String) throws {
        var values = values
        values.destination = mail("\(name)@example.org")
        for template in ["%{dest.user}", "%{dest.user:raw}"] { #expect(try expand(template, values) == expected) }
    }

    @Test(arguments: ["..", "/", "./.", "..."])
    func `a value of which nothing is left is refused`(_ name: String) {
        var values = values
        values.destination = mail("\(name)@example.org")
        #expect(throws: FormatTemplate.FormatError.unsafeValue(.destinationUser)) { try expand("/m/%{dest.user}", values) }
    }

    @Test func `no value reaches a shell as more than part of a word`() throws {
        var values = values
        let hostile = "x; rm -rf \"$HOME\" `id` $(id) <y >z & | \\ ' * ? [a] {b} ~ ! # \t(c)"
            .filter { $0 != "\t" }
        values.sender = .mailbox(mail("\(hostile)@example.org"))
        for template in ["%{sender}", "%{sender:raw}", "%{sender.user}", "%{mbox.from}"] {
            let word = try expand(template, values, .command)
            #expect(word.utf8.allSatisfy { isASCIIAlphanumeric($0) || "@._-+=:,".utf8.contains($0) })
        }
        values.sender = .mailbox(mail("--flag@example.org"))
        #expect(try expand("%{sender}", values, .command) == "::flag@example.org")
        values.sender = .mailbox(mail("../x@example.org"))
        #expect(try expand("%{sender}", values, .command) == ":::x@example.org")
        for directory in ["/home/a\nb", "/home/$(id)", "/home/`id`", "/home/a;id", "/home/o'b"] {
            values.userDirectory = directory
            #expect(throws: FormatTemplate.FormatError.unsafeValue(.userDirectory)) { try expand("~/x", values, .command) }
        }
        values.userDirectory = "/home/ada l"
        #expect(try expand("cd \"%{user.directory}\"", values, .command) == "cd \"/home/ada l\"")
    }

    @Test func `no template crashes`() {
        var random = SplitMix64(seed: 17)
        let samples = ["~/%{rcpt.user[0:-4]:strip|raw}/x", "%{sender[1]:lowercase}%%%{mda}", "%{dest.domain[-3:]}{}[]:|"]
        for _ in 0..<10_000 {
            let text = String(decoding: mutated(samples, &random), as: UTF8.self)
            for generation in [Generation.match, .accept] {
                // Only that it returns matters.
                _ = try? FormatTemplate(text, generation: generation).expand(values, for: .command)
            }
        }
    }
}
