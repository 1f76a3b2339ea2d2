import Envelopes
import Glibc
import MailSyntax
import Platform
import SeededTesting
import Testing

@testable import MailboxDelivery

private func deliver(
    _ scratch: Scratch, _ bodies: [String], kind: Mbox.Kind = .file, sender: ReversePath = .null,
    files: any MailboxFiles = KernelFiles(), patience: Int64 = 200
) -> [DeliveryOutcome] {
    Mbox(path: scratch.path + "/box", kind: kind, files: files, patience: patience)
        .deliver(bodies.map { Mbox.Delivery(message: message($0), sender: sender) })
}

/// The mailbox with each separator's date replaced.
private func content(_ scratch: Scratch) throws -> String {
    try scratch.content("box").split(separator: "\n", omittingEmptySubsequences: false).map { line in
        line.hasPrefix("From ") ? line.split(separator: " ").prefix(2).joined(separator: " ") : String(line)
    }.joined(separator: "\n")
}

@Suite("mbox: what is appended (mail.mboxfile, RFC 4155)") struct MboxTests {
    @Test func `messages follow each other with separators, quoting and empty lines`() throws {
        let scratch = try Scratch()
        let results = deliver(scratch, ["A: b\n\nFrom here\nfrom there\n>From x\n", "no end", ""])
        #expect(results.areDelivered)
        #expect(try content(scratch) == """
            From MAILER-DAEMON
            A: b

            >From here
            from there
            >From x

            From MAILER-DAEMON
            no end

            From MAILER-DAEMON


            """)
        #expect(try Files.status(scratch.path + "/box")?.permissions == 0o600)
        #expect(try scratch.names("") == ["box"])
    }

    @Test(arguments: [("", ""), ("x\n\n", "x\n\n"), ("x\n", "x\n\n"), ("x", "x\n\n"), ("\n", "\n\n")])
    func `a message never becomes part of what another program left`(_ before: String, _ after: String) throws {
        let scratch = try Scratch()
        try scratch.write("box", before)
        #expect(deliver(scratch, ["B\n"]).areDelivered)
        #expect(try content(scratch) == after + "From MAILER-DAEMON\nB\n\n")
    }

    @Test func `the separator names the sender without blanks`() throws {
        let scratch = try Scratch()
        #expect(deliver(scratch, [""], sender: .mailbox(try mailAddress("a b"))).areDelivered)
        #expect(try scratch.content("box").hasPrefix("From \"a_b\"@example.org "))
    }

    @Test func `a date is written as ctime writes it`() {
        var time = tm()
        time.tm_year = 124
        time.tm_mday = 1
        time.tm_wday = 1
        #expect(mboxDate(time) == "Mon Jan  1 00:00:00 2024")
        var moment: time_t = 1_700_000_000
        var room = [CChar](repeating: 0, count: 64)
        ctime_r(&moment, &room)
        #expect(mboxDate(Timestamp(seconds: 1_700_000_000)) + "\n" == room.withUnsafeBufferPointer { String(cString: $0.baseAddress!) })
        #expect(!mboxDate(Timestamp(seconds: .max)).isEmpty)
    }

    @Test func `chunks may be cut anywhere`() {
        var generator = SplitMix64(seed: 7)
        let pieces = ["From ", "Fro", "\n", "m ", ">From ", "x", "\nFrom ", "From F", "\0", "é"]
        for _ in 0..<5_000 {
            let text = (0..<Int.random(in: 0..<12, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? "" }.joined()
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.hasPrefix("From ") ? ">" + $0 : String($0) }
            let expected = lines.joined(separator: "\n") + (text.isEmpty || text.hasSuffix("\n") ? "\n" : "\n\n")
            var formatter = MboxFormatter()
            var result: [UInt8] = []
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...max(1, min(4, rest.count)), using: &generator)
                result += formatter.quoted(Array(rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            result += formatter.end()
            #expect(String(decoding: result, as: UTF8.self) == expected)
        }
    }

    @Test func `mail filed to /dev/null is discarded`() {
        let results = Mbox(path: "/dev/null", kind: .file).deliver([Mbox.Delivery(message: message("x"), sender: .null)])
        #expect(results.areDelivered)
    }

    @Test func `a big message is appended whole`() throws {
        let scratch = try Scratch()
        let body = String(repeating: "From the line\n", count: 40_000)
        #expect(deliver(scratch, [body, "after\n"]).areDelivered)
        let lines = try scratch.content("box").split(separator: "\n")
        #expect(lines.count == 40_003)
        #expect(lines.filter { $0 == ">From the line" }.count == 40_000)
    }
}

@Suite("mbox: what stands in its place (security 4)") struct HostileMboxTests {
    @Test func `a symbolic link, hard link, FIFO, device or directory is refused`() throws {
        let scratch = try Scratch()
        let box = scratch.path + "/box"
        try scratch.write("victim", "old")
        let cases: [(String, () -> CInt)] = [
            ("symbolic link", { symlink(scratch.path + "/victim", box) }),
            ("dangling link", { symlink(scratch.path + "/nothing", box) }),
            ("hard link", { link(scratch.path + "/victim", box) }),
            ("FIFO", { mkfifo(box, 0o600) }),
            ("directory", { mkdir(box, 0o700) }),
            ("device", { mknod(box, S_IFCHR | 0o600, 0x103) }),
        ]
        for (what, make) in cases {
            // Making a device needs root and a file system that allows it.
            guard make() == 0 else { continue }
            for kind in [Mbox.Kind.file, .systemMailbox] {
                #expect(deliver(scratch, ["x"], kind: kind).map(\.temporaryStatus) == ["4.2.0"], "\(what)")
            }
            #expect(try scratch.content("victim") == "old")
            #expect(try !scratch.has("nothing"))
            if what == "directory" { rmdir(box) } else { unlink(box) }
        }
        #expect(try scratch.names("") == ["victim"])
    }

    @Test func `a mailbox of another user is refused`() throws {
        guard geteuid() == 0 else { return }
        let scratch = try Scratch()
        try scratch.write("box", "")
        chown(scratch.path + "/box", 12_345, 12_345)
        #expect(deliver(scratch, ["x"], kind: .systemMailbox).map(\.temporaryStatus) == ["4.2.0"])
        #expect(deliver(scratch, ["x"], kind: .file).areDelivered)
    }

    @Test func `a system mailbox is made for the user and the group of its directory`() throws {
        guard geteuid() == 0 else { return }
        let scratch = try Scratch()
        chown(scratch.path, 0, 8)
        #expect(deliver(scratch, ["x"], kind: .systemMailbox).areDelivered)
        let status = try #require(try Files.status(scratch.path + "/box"))
        #expect(status.group == 8)
        #expect(status.permissions == 0o660)
    }
}

@Suite("mbox: locks (Debian policy 11.6)") struct MboxLockTests {
    @Test func `a dot lock of a living process is respected`() throws {
        let scratch = try Scratch()
        try scratch.write("box.lock", "1\n")
        let results = deliver(scratch, ["x"], patience: 120)
        #expect(results.map(\.temporaryStatus) == ["4.2.0"])
        #expect(results.allSatisfy { $0.text.contains("locked") })
        #expect(try scratch.content("box") == "")
        #expect(try scratch.names("") == ["box", "box.lock"])
    }

    @Test(arguments: ["999999998", "999999998\n", "999999998 host\n"])
    func `a dot lock whose process is gone is removed`(_ content: String) throws {
        let scratch = try Scratch()
        try scratch.write("box.lock", content)
        #expect(deliver(scratch, ["x"]).areDelivered)
        #expect(try scratch.names("") == ["box"])
    }

    @Test(arguments: [(DotLock.staleAge - 10, false), (DotLock.staleAge + 10, true)])
    func `a dot lock without a number is stale after five minutes`(_ age: Int, _ isStale: Bool) throws {
        let scratch = try Scratch()
        try scratch.write("box.lock", "")
        var times = [timeval(tv_sec: time(nil) - age, tv_usec: 0), timeval(tv_sec: time(nil) - age, tv_usec: 0)]
        #expect(utimes(scratch.path + "/box.lock", &times) == 0)
        #expect(deliver(scratch, ["x"], patience: 100).areDelivered == isStale)
        #expect(try scratch.has("box.lock") == !isStale)
    }

    @Test func `a lock that is a link is respected and not followed`() throws {
        let scratch = try Scratch()
        try scratch.write("victim", "999999998\n")
        symlink(scratch.path + "/victim", scratch.path + "/box.lock")
        #expect(deliver(scratch, ["x"], patience: 100).map(\.temporaryStatus) == ["4.2.0"])
        #expect(try scratch.content("victim") == "999999998\n")
    }
}

@Suite("mbox: every call that can fail (reliability 1)") struct MboxFaultTests {
    private let before = "From x\nold\n\n"

    @Test(arguments: [ENOSPC, EIO, EDQUOT])
    func `a failing call leaves the mailbox as it was, but for what is reported delivered`(code: CInt) throws {
        var number = 1
        while true {
            let scratch = try Scratch()
            try scratch.write("box", before)
            let files = FailingFiles(.failure(code), at: number)
            let results = deliver(scratch, ["one\n", "two\n"], files: files)
            var expected = before
            for (result, body) in zip(results, ["one", "two"]) where result.isDelivered {
                expected += "From MAILER-DAEMON\n\(body)\n\n"
            }
            #expect(try content(scratch) == expected, "call \(number): \(files.log.last ?? "")")
            if !files.isReached { break }
            number += 1
        }
        #expect(number > 7)
    }

    @Test func `a crash at any call spoils nothing that was there, and the next delivery stands by itself`() throws {
        var number = 1
        while true {
            let scratch = try Scratch()
            try scratch.write("box", before)
            let files = FailingFiles(.crash, at: number)
            let results = deliver(scratch, ["one\n"], files: files)
            #expect(try scratch.content("box").hasPrefix(before))
            if results.areDelivered { #expect(try content(scratch) == before + "From MAILER-DAEMON\none\n\n") }
            if !files.isReached { break }
            // The dot lock names this process, which still runs; that of a crashed one would not.
            unlink(scratch.path + "/box.lock")
            #expect(deliver(scratch, ["two\n"]).areDelivered)
            #expect(try content(scratch).hasSuffix("\n\nFrom MAILER-DAEMON\ntwo\n\n"))
            number += 1
        }
    }

    @Test func `a mailbox made for a delivery that fails is left empty`() throws {
        let scratch = try Scratch()
        for number in 1...12 {
            unlink(scratch.path + "/box")
            let files = FailingFiles(.failure(ENOSPC), at: number)
            let results = deliver(scratch, ["one\n"], files: files)
            guard !results.areDelivered, try scratch.has("box") else { continue }
            #expect(try scratch.content("box") == "", "call \(number)")
        }
    }
}
