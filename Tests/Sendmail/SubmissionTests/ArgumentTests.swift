import Envelopes
import SeededTesting
import Testing

@testable import Submission

@Suite("Options of sendmail(8)") struct ArgumentTests {
    @Test func `the program's name decides first`() {
        #expect(invocation(name: "/usr/bin/mailq") == .listQueue)
        #expect(invocation("-Ac", "-v", name: "mailq") == .listQueue)
        #expect(invocation(name: "/usr/bin/newaliases") == .rebuildAliases)
        #expect(invocation("-f", "/etc/smtpd.conf", name: "newaliases") == .rebuildAliases)
        for name in ["sendmail", "/usr/lib/sendmail", "send-mail", "rmail", ""] {
            #expect(invocation("-bp", name: name) == .listQueue)
        }
    }

    @Test(arguments: [
        ("-bs", Invocation.smtpOnStandardInput), ("-bp", .listQueue), ("-bi", .rebuildAliases), ("-I", .rebuildAliases),
        ("-bd", .startDaemon(inForeground: false)), ("-bD", .startDaemon(inForeground: true)), ("-q", .runQueue),
        ("-q30m", .runQueue), ("-qf", .runQueue), ("-bimap", .rebuildAliases)
    ])
    func `modes are told by one option`(_ option: String, _ expected: Invocation) {
        #expect(invocation(option) == expected)
    }

    @Test func `modes go together with other options`() {
        #expect(invocation("-bs", "-odb", "-oem") == .smtpOnStandardInput)
        #expect(invocation("-bd", "-q30m") == .startDaemon(inForeground: false))
        #expect(invocation("-q30m", "-bd") == .startDaemon(inForeground: false))
        #expect(invocation("-b", "p") == .listQueue)
        #expect(invocation("-v", "-bp") == .listQueue)
        guard case .verify(let options) = invocation("-bv", "bob", "carol") else {
            Issue.record("-bv verifies")
            return
        }
        #expect(options.recipients == [bytes("bob"), bytes("carol")])
    }

    @Test(arguments: [
        "-G", "-U", "-n", "-m", "-om", "-v", "-x", "-d", "-d0.4", "-odb", "-odi", "-odq", "-odd", "-oem", "-oep",
        "-oeq",
        "-oew", "-oee", "-em", "-ee", "-o7", "-o8", "-bm", "-B8BITMIME", "-B7BIT", "-h5", "-Ltag", "-pUUCP:host", "-Ac",
        "-Am", "-C/etc/x.cf", "-ODeliveryMode=b", "-OErrorMode=m", "-X/tmp/trace", "-Rfull", "-Nnever", "-Vid", "-E",
        "-J",
        "-oQ/tmp", "-oMrx", "-Fname"
    ])
    func `options that concern others are taken and change nothing of the delivery`(_ option: String) {
        let taken = options([option, "bob"])
        #expect(taken?.recipients == [bytes("bob")])
        #expect(taken?.sender == nil)
        #expect(taken?.ignoresDots == false)
        #expect(taken?.collectsRecipients == false)
    }

    @Test(arguments: [
        "-f", "-r", "-F", "-B", "-N", "-R", "-V", "-h", "-L", "-p", "-A", "-C", "-O", "-o", "-X", "-e", "-b"
    ])
    func `an option with an argument takes it in both spellings, and not without`(_ option: String) {
        let value = option == "-b" ? "m" : "full"
        #expect(options([option, value, "bob"])?.recipients == [bytes("bob")])
        #expect(options([option + value, "bob"])?.recipients == [bytes("bob")])
        #expect(invocation(option) == .usage(.missingArgument(bytes(option)[1])))
    }

    @Test func `letters combine in any order`() {
        for words in [
            ["-ti"], ["-it"], ["-t", "-i"], ["-i", "-t"], ["-vti"], ["-t", "-oi"], ["-oi", "-t"], ["-oit", "-t"]
        ] {
            #expect(options(words)?.collectsRecipients == true, "\(words)")
            #expect(options(words)?.ignoresDots == true, "\(words)")
        }
        #expect(options(["-tifalice"])?.sender == bytes("alice"))
        #expect(options(["-tif", "alice"])?.sender == bytes("alice"))
        #expect(options(["-oif", "-t"])?.ignoresDots == false)
    }

    @Test func `options end at the first address, and at two dashes`() {
        #expect(options(["bob", "-t", "-i"])?.recipients == [bytes("bob"), bytes("-t"), bytes("-i")])
        #expect(options(["bob", "-t", "-i"])?.collectsRecipients == false)
        #expect(options(["-i", "--", "-froot", "-t"])?.recipients == [bytes("-froot"), bytes("-t")])
        #expect(options(["-i", "-", "x"])?.recipients == [bytes("-"), bytes("x")])
        #expect(options(["--", "--"])?.recipients == [bytes("--")])
        #expect(options(["-i", "", "x"])?.recipients == [[], bytes("x")])
    }

    @Test func `anything else is a usage error`() {
        #expect(invocation("-Z", "bob") == .usage(.unknownOption(UInt8(ascii: "Z"))))
        #expect(invocation("-tZ") == .usage(.unknownOption(UInt8(ascii: "Z"))))
        #expect(invocation("--help") == .usage(.unknownOption(UInt8(ascii: "-"))))
        #expect(invocation("-bz", "bob") == .usage(.unknownMode(bytes("z"))))
        #expect(invocation() == .usage(.noRecipients))
        #expect(invocation("-i") == .usage(.noRecipients))
        #expect(invocation("-i", "--") == .usage(.noRecipients))
        #expect(invocation("-bv") == .usage(.noRecipients))
        #expect(ExitCode.usage.rawValue == 64)
    }

    @Test func `notification options are read, and never a reason to refuse`() {
        #expect(options(["-N", "failure,delay", "b"])?.notify == [.failure, .delay])
        #expect(options(["-Nsuccess,delay,failure", "b"])?.notify == [.success, .failure, .delay])
        #expect(options(["-N", "NEVER", "b"])?.notify == .never)
        for wrong in ["never,failure", "sometimes", "", ",", "failure,x"] {
            #expect(options(["-N", wrong, "b"]) != nil)
            #expect(options(["-N", wrong, "b"])?.notify == nil)
        }
        #expect(options(["-R", "hdrs", "b"])?.returnContent == .headers)
        #expect(options(["-Rfull", "b"])?.returnContent == .full)
        #expect(options(["-R", "nothing", "b"])?.returnContent == nil)
        #expect(options(["-V", "an id", "b"])?.envelopeIdentifier == bytes("an id"))
    }

    @Test func `any bytes whatever are read without a trap`() {
        var random = SplitMix64(seed: 1)
        let pieces = [
            "-", "--", "-t", "-f", "-b", "s", "i", "o", "q", "x@y", "-N", "never", ",", "\u{0}", "\n", "é", "Z", ""
        ]
        for _ in 0..<20_000 {
            var words: [[UInt8]] = []
            for _ in 0..<random.below(6) {
                var word: [UInt8] = []
                for _ in 0..<random.below(4) { word += bytes(pieces[random.below(pieces.count)]) }
                words.append(word)
            }
            let invocation = Invocation(name: bytes("sendmail"), arguments: words)
            if case .submit(let options) = invocation {
                #expect(options.collectsRecipients || !options.recipients.isEmpty)
                _ = try? SubmissionSender(options: options, user: bytes("u"), realName: [], domain: here)
                var list = RecipientList()
                for argument in options.recipients { list.add(argument, domain: here) }
            }
        }
    }
}

/// A command line as a program was seen to run it, and what it means.
struct Caller: Sendable, CustomTestStringConvertible {
    let name: String
    let words: [String]
    var sender: String?
    var dots = true
    var header = false
    var recipients: [String] = []
    var fullName: String?

    var testDescription: String { name }
}

@Suite("Command lines that programs run") struct CallerTests {
    @Test(arguments: [
        Caller(
            name: "cron", words: ["-FCronDaemon", "-i", "-B8BITMIME", "-oem", "carol,dave@localhost"],
            recipients: ["carol,dave@localhost"], fullName: "CronDaemon"),
        Caller(
            name: "cronie", words: ["-FCronDaemon", "-i", "-odi", "-oem", "-oi", "-t", "-f", "user"], sender: "user",
            header: true, fullName: "CronDaemon"),
        Caller(
            name: "cronie 1.7", words: ["-FCronDaemon", "-i", "-odi", "-oem", "-oi", "-t", "-f", "<>"], sender: "<>",
            header: true, fullName: "CronDaemon"),
        Caller(name: "systemd-cron", words: ["-i", "-B8BITMIME", "user"], recipients: ["user"]),
        Caller(
            name: "anacron", words: ["-FAnacron", "-odi", "user"], dots: false, recipients: ["user"],
            fullName: "Anacron"),
        Caller(name: "at", words: ["-i", "user"], recipients: ["user"]),
        Caller(name: "bsd-mailx", words: ["-i", "-t", "-f", "a@b"], sender: "a@b", header: true),
        Caller(name: "mailutils", words: ["-oi", "-f", "user@host", "-t"], sender: "user@host", header: true),
        Caller(
            name: "s-nail", words: ["-i", "-F", "Alice X", "-f", "a@b", "--", "c@d", "e"], sender: "a@b",
            recipients: ["c@d", "e"], fullName: "Alice X"),
        Caller(
            name: "mutt",
            words: ["-oem", "-oi", "-B8BITMIME", "-f", "a@b", "-N", "failure,delay", "-R", "hdrs", "--", "c@d"],
            sender: "a@b", recipients: ["c@d"]),
        Caller(name: "nmh", words: ["-m", "-t", "-i"], header: true),
        Caller(
            name: "git send-email", words: ["-f", "a@b", "-i", "c@d", "e@f"], sender: "a@b", recipients: ["c@d", "e@f"]),
        Caller(name: "PHP", words: ["-t", "-i", "-fbounce@x"], sender: "bounce@x", header: true),
        Caller(name: "Python", words: ["-t", "-oi"], header: true),
        Caller(name: "Email::Sender", words: ["-i", "-f", "a@b", "--", "c@d"], sender: "a@b", recipients: ["c@d"]),
        Caller(name: "Mail::Mailer, sudo, logwatch", words: ["-t"], dots: false, header: true),
        Caller(name: "MIME::Lite", words: ["-t", "-oi", "-oem", "-fa@b"], sender: "a@b", header: true),
        Caller(name: "Ruby", words: ["-i", "-f", "a@b", "--", "c@d"], sender: "a@b", recipients: ["c@d"]),
        Caller(
            name: "fail2ban", words: ["-f", "fail2ban", "root"], sender: "fail2ban", dots: false, recipients: ["root"]),
        Caller(name: "mime-construct, maildrop", words: ["-oi", "-f", "", "c@d"], sender: "", recipients: ["c@d"]),
        Caller(name: "RT", words: ["-oi", "-t", "-ODeliveryMode=b", "-OErrorMode=m"], header: true),
        Caller(
            name: "Sympa",
            words: ["-oi", "-odi", "-oem", "-f", "b@l", "-N", "success,delay,failure", "-V", "id", "c@d"],
            sender: "b@l", recipients: ["c@d"]),
        Caller(name: "vacation", words: ["-f", "<>", "c@d"], sender: "<>", dots: false, recipients: ["c@d"]),
        Caller(
            name: "rmail", words: ["-G", "-i", "-oee", "-f", "u!alice", "c@d"], sender: "u!alice", recipients: ["c@d"])
    ])
    func `mean what the program expects`(_ caller: Caller) throws {
        let read = try #require(options(caller.words))
        #expect(read.sender == caller.sender.map(bytes))
        #expect(read.ignoresDots == caller.dots)
        #expect(read.collectsRecipients == caller.header)
        #expect(read.recipients == caller.recipients.map(bytes))
        #expect(read.fullName == caller.fullName.map(bytes))
        let sender = try SubmissionSender(options: read, user: bytes("me"), realName: [], domain: here)
        switch caller.sender {
        case nil: #expect(sender.reversePath.text == "me@host.example")
        case "", "<>": #expect(sender.reversePath == .null)
        case let given?: #expect(sender.reversePath.text == (given.contains("@") ? given : given + "@host.example"))
        }
    }
}
