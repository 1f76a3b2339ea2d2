import Envelopes
import Glibc
import MailSyntax
import Platform
import Testing

@testable import MailboxDelivery

private func run(
    _ line: String, _ text: String = "A: b\n\nbody\n", environment: [String] = ["PATH=/usr/bin:/bin"], directory: String = "/",
    everyFailureIsTemporary: Bool = false, timeLimit: Int64 = 20_000
) throws -> DeliveryOutcome {
    signal(SIGPIPE, SIG_IGN)
    return try CommandDelivery(
        CommandDelivery.Request(
            line: line, environment: environment, directory: directory, everyFailureIsTemporary: everyFailureIsTemporary),
        message: message(text), timeLimit: timeLimit
    ).wait()
}

@Suite("Commands: what their end means (delivery reference 8)") struct CommandOutcomeTests {
    @Test(arguments: [
        (0, nil, nil), (71, "4.3.0", nil), (75, "4.3.0", nil), (1, nil, "5.3.0"), (67, nil, "5.1.1"), (77, nil, "5.7.0"),
        (127, nil, "5.3.0"), (255, nil, "5.3.0"),
    ] as [(Int, String?, String?)])
    func `exit statuses`(_ code: Int, _ temporary: String?, _ permanent: String?) throws {
        let outcome = try run("cat > /dev/null; exit \(code)")
        #expect(outcome.isDelivered == (code == 0))
        #expect(outcome.temporaryStatus == temporary)
        #expect(outcome.permanentStatus == permanent)
        if code != 0 { #expect(outcome.text == "exited abnormally") }
    }

    @Test func `in the 5.4 grammar every failure is temporary`() throws {
        #expect(try run("cat > /dev/null; exit 67", everyFailureIsTemporary: true).temporaryStatus == "4.3.0")
        #expect(try run("cat > /dev/null", everyFailureIsTemporary: true).isDelivered)
    }

    @Test func `a signal is temporary`() throws {
        let outcome = try run("kill -9 $$")
        #expect(outcome.temporaryStatus == "4.3.0")
        #expect(outcome.text == "terminated; signal 9")
    }

    @Test(arguments: [(128, false), (129, true), (137, true), (143, true), (192, true), (193, false), (255, false)])
    func `a program that a signal ended below the shell is tried again`(_ code: Int, _ isTemporary: Bool) throws {
        let outcome = try run("cat > /dev/null; exit \(code)")
        #expect((outcome.temporaryStatus != nil) == isTemporary)
        if isTemporary { #expect(outcome.text == "terminated; signal \(code - 128)") }
        #expect(try run("cat > /dev/null; sh -c 'kill -9 $$'; exit $?").text == "terminated; signal 9")
    }

    @Test func `a message not taken whole is temporary, whatever the exit status`() throws {
        // More than any pipe holds.
        let outcome = try run("head -c 10 > /dev/null; exit 0", String(repeating: "x", count: 4 << 20))
        #expect(outcome.text == "mda exited prematurely")
        #expect(outcome.temporaryStatus == "4.3.0")
    }

    @Test func `a command that does not start is temporary`() throws {
        #expect(throws: SystemError.self) { try run("true\u{0}x") }
    }

    @Test func `the last line of its output is the reason`() throws {
        #expect(try run("cat >/dev/null; echo first; printf 'bad\\tuser\\n\\n  \\n' >&2; exit 1").text == "\"bad?user\"")
        #expect(try run("cat >/dev/null; printf 'no end'; exit 75").text == "\"no end\"")
        let long = try run("cat >/dev/null; head -c 3000000 /dev/zero | tr '\\0' x; exit 1")
        #expect(long.text.utf8.count == 402)
    }

    @Test func `only the time limit ends it, with all it has started`() throws {
        let scratch = try Scratch()
        let before = monotonicMilliseconds()
        let outcome = try run(
            "sleep 30 & echo $! > \(scratch.path)/pid; sleep 30", directory: scratch.path, timeLimit: 300)
        #expect(monotonicMilliseconds() - before < 4_000)
        #expect(outcome.text == "terminated; timeout")
        #expect(outcome.temporaryStatus == "4.3.0")
        let child = try #require(pid_t(scratch.content("pid").dropLast()))
        // Orphaned, it is collected by init, which may take a moment.
        for _ in 0..<100 where kill(child, 0) == 0 && !isZombie(child) { pause(milliseconds: 10) }
        #expect(kill(child, 0) == -1 || isZombie(child))
    }

    private func isZombie(_ process: pid_t) -> Bool {
        // A process that is gone has no file, and counts as ended above.
        guard let text = try? Files.read("/proc/\(process)/stat") else { return true }
        return String(decoding: text, as: UTF8.self).split(separator: " ").dropFirst(2).first == "Z"
    }

    @Test func `a process left in the background delays nothing`() throws {
        let before = monotonicMilliseconds()
        #expect(try run("cat > /dev/null; sleep 5 & exit 0").isDelivered)
        #expect(monotonicMilliseconds() - before < 3_000)
    }

    @Test func `a command that writes before it reads does not block us`() throws {
        let text = String(repeating: "x\n", count: 500_000)
        #expect(try run("head -c 500000 /dev/zero; echo; wc -c; exit 1", text).text == "\"1000000\"")
    }

    @Test func `a message that cannot be read to its end is not delivered short`() throws {
        let scratch = try Scratch()
        try scratch.write("file", "12345")
        let file = SharedDescriptor(try Files.open(scratch.path + "/file", O_RDONLY))
        let request = CommandDelivery.Request(
            line: "cat > \(scratch.path)/out; sleep 20", environment: ["PATH=/usr/bin:/bin"], directory: "/",
            everyFailureIsTemporary: false)
        let outcome = try CommandDelivery(request, message: MessageSource(.extent(file, offset: 0, size: 6))).wait()
        #expect(outcome.temporaryStatus == "4.3.0")
    }

    @Test func `several run beside each other`() throws {
        let scratch = try Scratch()
        let request = CommandDelivery.Request(
            line: "touch $$; while [ $(ls | wc -l) -lt 4 ]; do sleep 0.01; done; cat > /dev/null",
            environment: ["PATH=/usr/bin:/bin"], directory: scratch.path, everyFailureIsTemporary: false)
        let commands = try (0..<4).map { _ in try CommandDelivery(request, message: message("x"), timeLimit: 10_000) }
        for command in commands { #expect(command.wait().isDelivered) }
    }

    @Test func `one that nobody waits for any more is ended`() throws {
        let scratch = try Scratch()
        let request = CommandDelivery.Request(
            line: "echo $$ > \(scratch.path)/pid; cat; sleep 30", environment: ["PATH=/usr/bin:/bin"], directory: "/",
            everyFailureIsTemporary: false)
        do {
            let command = try CommandDelivery(request, message: message("x"))
            for _ in 0..<200 where try !scratch.has("pid") || scratch.content("pid").isEmpty {
                command.proceed(now: monotonicMilliseconds())
                pause(milliseconds: 10)
            }
        }
        let process = try #require(pid_t(scratch.content("pid").dropLast()))
        #expect(kill(process, 0) == -1)
    }
}

@Suite("Commands: what they get (delivery reference 8, security 4)") struct CommandEnvironmentTests {
    private func environment(
        sender: ReversePath, recipient: MailAddress, subaddress: String? = nil
    ) throws -> [String] {
        CommandEnvironment(
            sender: sender, recipient: recipient, destination: try mailAddress("ada"), user: "ada", home: "/home/ada",
            subaddress: subaddress
        ).variables.sorted()
    }

    @Test func `exactly these variables, and EXTENSION with a sub-address only`() throws {
        let plain = try environment(sender: .mailbox(try mailAddress("bob", "example.net")), recipient: try mailAddress("ada+x"))
        #expect(plain == [
            "DOMAIN=example.org", "HOME=/home/ada", "LOCAL=ada+x", "LOGNAME=ada", "ORIGINAL_RECIPIENT=ada+x@example.org",
            "PATH=/usr/bin:/bin", "RECIPIENT=ada@example.org", "SENDER=bob@example.net", "SHELL=/bin/sh", "USER=ada",
        ])
        let null = try environment(sender: .null, recipient: try mailAddress("ada"), subaddress: "x")
        #expect(null.contains("SENDER="))
        #expect(null.contains("EXTENSION=x"))
        #expect(null.count == 11)
    }

    @Test(arguments: [
        ("a b;rm -rf", "a:b:rm:-rf"), ("-oQ", ":oQ"), ("a\"b\\c", "a:b:c"), ("a<b>(c)", "a:b::c:"), ("a@b", "a:b"),
        ("x'y", "x'y"), ("ünï", "ünï"),
    ])
    func `what an address must be quoted for does not reach a script`(_ local: String, _ expected: String) throws {
        let variables = try environment(sender: .mailbox(try mailAddress(local)), recipient: try mailAddress(local), subaddress: local)
        #expect(variables.contains("SENDER=\(expected)@example.org"))
        #expect(variables.contains("LOCAL=\(expected)"))
        #expect(variables.contains("EXTENSION=\(expected)"))
    }

    @Test func `the command sees its environment and no other, three descriptors, its directory and its session`() throws {
        let scratch = try Scratch()
        setenv("MARTLET_TEST_SECRET", "1", 1)
        let leak = try Files.open("/dev/null", O_RDONLY)
        defer { withExtendedLifetime(leak.raw) {} }
        let outcome = try run(
            "cat > message; env | sort > env; pwd > pwd; ls /proc/self/fd > fds; cat /proc/self/stat > stat; ulimit -n > files",
            environment: ["PATH=/usr/bin:/bin", "SENDER=x"], directory: scratch.path)
        #expect(outcome.isDelivered)
        #expect(try scratch.content("message") == "A: b\n\nbody\n")
        #expect(try scratch.content("pwd") == scratch.path + "\n")
        let names = try scratch.content("env").split(separator: "\n").map { $0.prefix { $0 != "=" } }
        // The shell adds the last three by itself.
        #expect(Set(names).subtracting(["_", "PWD", "OLDPWD", "SHLVL"]) == ["PATH", "SENDER"])
        // ls has the directory it lists open.
        #expect(try scratch.content("fds") == "0\n1\n2\n3\n")
        let fields = try scratch.content("stat").split(separator: " ")
        #expect(fields[5] != String(getsid(0)))
    }

    @Test func `without its directory it starts in the root`() throws {
        #expect(try run("cat >/dev/null; pwd; exit 1", directory: "/nonexistent").text == "\"/\"")
    }
}
