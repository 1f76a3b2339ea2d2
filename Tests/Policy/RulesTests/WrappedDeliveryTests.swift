import Configuration
import Envelopes
import MailSyntax
import Testing

@testable import Rules

private let values = FormatValues(
    sender: .mailbox(mail("ada@client.example")), recipient: mail("eve+x@example.org"), destination: mail("eve@example.org"),
    userName: "eve", userDirectory: "/home/eve")

private func line(
    _ wrapper: String = "%{mda}", _ delivery: LocalDelivery.Method = .action, by method: LocalAction.Method = .mbox,
    _ values: FormatValues = values
) throws -> String? {
    try WrappedDelivery(wrapper: wrapper, programs: "/lib exec", values: values, generation: .match).line(delivery, by: method)
}

@Suite("Deliveries in an mda wrapper (smtpd.conf 1.3, 1.5)") struct WrappedDeliveryTests {
    @Test(arguments: [
        (LocalAction.Method.maildir(nil, junk: false), "'/lib exec/mail.maildir' '/home/eve/Maildir'"),
        (.maildir("/v/%{dest.domain}/%{user.username}", junk: true), "'/lib exec/mail.maildir' -j '/v/example.org/eve'"),
        (.lmtp("/run/%{dest.domain}.sock", usesRecipientAddress: false), "'/lib exec/mail.lmtp' -d '/run/example.org.sock' -u"),
        (.lmtp("localhost:24", usesRecipientAddress: true), "'/lib exec/mail.lmtp' -d 'localhost:24' -r"),
        (.command("deliver '%{rcpt}' | tail"), "'/lib exec/mail.mda' 'deliver '\\''eve+x@example.org'\\'' | tail'"),
    ])
    func `the program that does what the action says is inside`(_ method: LocalAction.Method, _ expected: String) throws {
        #expect(try line(by: method) == expected)
        #expect(try line("nice %{mda}; echo %{sender}", by: method) == "nice \(expected); echo ada@client.example")
    }

    @Test func `files and pipes of aliases go through it too, whatever the action`() throws {
        for method in [LocalAction.Method.mbox, .forwardOnly, .maildir(nil, junk: true)] {
            #expect(try line("%{mda}", .pipe("cat >x; 'y'"), by: method) == "'/lib exec/mail.mda' 'cat >x; '\\''y'\\'''")
            #expect(try line("%{mda}", .file("/m b/%{x}"), by: method) == "'/lib exec/mail.mboxfile' -f ada@client.example '/m b/%{x}'")
        }
        var values = values
        values.sender = .null
        #expect(try line("%{mda}", .file("/m"), by: .mbox, values) == "'/lib exec/mail.mboxfile' -f MAILER-DAEMON '/m'")
    }

    @Test func `what has no program is not wrapped`() throws {
        for method in [LocalAction.Method.mbox, .forwardOnly, .expandOnly] { #expect(try line(by: method) == nil) }
    }

    @Test func `a wrapper without the command inside is the command`() throws {
        #expect(try line("archive", by: .maildir(nil, junk: false)) == "archive")
    }

    @Test func `no stranger reaches the shell`() throws {
        var values = values
        values.sender = .mailbox(mail("-x;$(id)'`@example.org"))
        values.destination = mail("'; rm -rf \"$HOME\" #@example.org")
        let path = try #require(try line("%{mda}", by: .maildir("/v/%{dest.user:raw}", junk: false), values))
        #expect(path == "'/lib exec/mail.maildir' '/v/:::rm:-rf:::HOME:::'")
        #expect(try line("%{mda}", .file("/m"), by: .mbox, values) == "'/lib exec/mail.mboxfile' -f :x:::id:::@example.org '/m'")
    }

    @Test func `what cannot be expanded fails, and is not delivered elsewhere`() {
        #expect(throws: FormatTemplate.FormatError.unknownToken("no")) { try line("%{no}", by: .maildir(nil, junk: false)) }
        #expect(throws: FormatTemplate.FormatError.unknownToken("no")) { try line(by: .command("%{no}")) }
        #expect(throws: FormatTemplate.FormatError.unsafeValue(.command)) { try line("%{mda}", .pipe("a\nb"), by: .mbox) }
        #expect(throws: FormatTemplate.FormatError.tooLong) { try line("%{mda}", .pipe(String(repeating: "x", count: 1023)), by: .mbox) }
    }
}
