import Envelopes
import Glibc
import Platform
import SeededTesting
import Testing

@testable import MailboxDelivery

private let text = "Subject: hello\n\nworld\n"

private func name(_ number: UInt64 = 1) -> MaildirName {
    MaildirName(
        created: Timestamp(seconds: 1_700_000_000), envelope: EnvelopeID(rawValue: 0xABCD_0000_0000 << 16 | number)!,
        host: "mx.example.org")
}

private func delivery(
    _ scratch: Scratch, _ body: String = text, number: UInt64 = 1, subaddress: String? = nil, filesJunk: Bool = false,
    isRepeat: Bool = false
) -> Maildir.Delivery {
    Maildir.Delivery(
        message: message(body), path: scratch.path + "/md", name: name(number), subaddress: subaddress,
        filesJunk: filesJunk, isRepeat: isRepeat)
}

@Suite("Maildir: names, folders and what is there afterwards") struct MaildirTests {
    @Test func `a message ends in new, whole, private, and tmp is empty`() throws {
        let scratch = try Scratch()
        #expect(Maildir().deliver([delivery(scratch)]).areDelivered)
        #expect(try scratch.names("md") == ["cur", "new", "tmp"])
        #expect(try scratch.names("md/new") == ["1700000000.abcd000000000001.mx.example.org"])
        #expect(try scratch.content("md/new/" + name().text) == text)
        #expect(try scratch.names("md/tmp") == [])
        #expect(try Files.status(scratch.path + "/md/new/" + name().text)?.permissions == 0o600)
        for directory in ["md", "md/cur", "md/new", "md/tmp"] {
            #expect(try Files.status(scratch.path + "/" + directory)?.permissions == 0o700)
        }
    }

    @Test func `missing parents are made`() throws {
        let scratch = try Scratch()
        var wanted = delivery(scratch)
        wanted.path = scratch.path + "/a/b//c"
        #expect(Maildir().deliver([wanted]).areDelivered)
        #expect(try scratch.names("a/b/c/new").count == 1)
    }

    @Test(arguments: [false, true])
    func `the same envelope delivered twice is one file`(isRepeat: Bool) throws {
        let scratch = try Scratch()
        for _ in 0..<2 { #expect(Maildir().deliver([delivery(scratch, isRepeat: isRepeat)]).areDelivered) }
        #expect(try scratch.names("md/new").count == 1)
        #expect(try scratch.content("md/new/" + name().text) == text)
    }

    @Test(arguments: ["", ":2,S", ":2,RST"])
    func `a repeat that the reader has taken over already adds nothing`(flags: String) throws {
        let scratch = try Scratch()
        #expect(Maildir().deliver([delivery(scratch)]).areDelivered)
        try Files.rename(scratch.path + "/md/new/" + name().text, to: scratch.path + "/md/cur/" + name().text + flags)
        #expect(Maildir().deliver([delivery(scratch, isRepeat: true)]).areDelivered)
        #expect(try scratch.names("md/new") == [])
    }

    @Test func `a repeat is not taken for another message with a longer name`() throws {
        let scratch = try Scratch()
        #expect(Maildir().deliver([delivery(scratch)]).areDelivered)
        try Files.rename(scratch.path + "/md/new/" + name().text, to: scratch.path + "/md/cur/" + name().text + "x")
        #expect(Maildir().deliver([delivery(scratch, isRepeat: true)]).areDelivered)
        #expect(try scratch.names("md/new") == [name().text])
    }

    @Test func `a leftover of our own process number is replaced`() throws {
        let scratch = try Scratch()
        #expect(Maildir().deliver([delivery(scratch, number: 2)]).areDelivered)
        try scratch.write("md/tmp/" + name().whileWriting(by: getpid()), "torn")
        #expect(Maildir().deliver([delivery(scratch)]).areDelivered)
        #expect(try scratch.content("md/new/" + name().text) == text)
    }

    @Test func `a sub-address goes to its folder only where it exists`() throws {
        let scratch = try Scratch()
        #expect(Maildir().deliver([delivery(scratch, subaddress: "lists")]).areDelivered)
        #expect(try scratch.names("md/new").count == 1)
        try Files.makeDirectory(scratch.path + "/md/.lists", mode: 0o700)
        #expect(Maildir().deliver([delivery(scratch, number: 2, subaddress: "lists")]).areDelivered)
        #expect(try scratch.names("md/.lists/new") == [name(2).text])
        #expect(try scratch.names("md/new").count == 1)
    }

    @Test(arguments: [
        ("lists", ".lists"), ("a.b", ".a.b"), ("../../etc", ".:..:etc"), ("..", nil), ("", nil), ("/", ".:"),
        ("a/b", ".a:b"), ("a\u{0}\n", ".a::"), ("a`id`", ".a:id:"), ("$HOME", ".:HOME"), ("-x", ".-x"),
        (String(repeating: "x", count: 254), "." + String(repeating: "x", count: 254)),
        (String(repeating: "x", count: 255), nil),
    ] as [(String, String?)])
    func `a sub-address cannot leave the maildir`(_ subaddress: String, _ folder: String?) {
        #expect(folderName(subaddress: subaddress) == folder)
    }

    @Test func `a folder that is a link out of the maildir is not followed`() throws {
        let scratch = try Scratch()
        try Files.makeDirectory(scratch.path + "/outside", mode: 0o700)
        #expect(Maildir().deliver([delivery(scratch)]).areDelivered)
        symlink(scratch.path + "/outside", scratch.path + "/md/.lists")
        #expect(Maildir().deliver([delivery(scratch, number: 2, subaddress: "lists")]).areDelivered)
        #expect(try scratch.names("outside") == [])
        #expect(try scratch.names("md/new").count == 2)
    }

    @Test(arguments: ["tmp", "new", "cur", ".Junk"])
    func `a link in place of a directory of the maildir is a temporary failure`(_ directory: String) throws {
        let scratch = try Scratch()
        try Files.makeDirectory(scratch.path + "/outside", mode: 0o700)
        try Files.makeDirectory(scratch.path + "/md", mode: 0o700)
        symlink(scratch.path + "/outside", scratch.path + "/md/" + directory)
        let results = Maildir().deliver([delivery(scratch, "X-Spam: yes\n\n", filesJunk: true)])
        #expect(results.map(\.temporaryStatus) == ["4.2.0"])
        #expect(try scratch.names("outside") == [])
    }

    @Test func `a file or FIFO in place of the maildir is a temporary failure`() throws {
        let scratch = try Scratch()
        try scratch.write("md", "")
        #expect(Maildir().deliver([delivery(scratch)]).map(\.temporaryStatus) == ["4.2.0"])
        unlink(scratch.path + "/md")
        mkfifo(scratch.path + "/md", 0o600)
        #expect(Maildir().deliver([delivery(scratch)]).map(\.temporaryStatus) == ["4.2.0"])
    }

    @Test(arguments: [
        ("X-Spam: Yes\n\n", true), ("x-spam-flag: YES\nA: b\n\n", true), ("X-Spam: yes, very\n\n", false),
        ("A: b\n\nX-Spam: yes\n", false), ("X-Spam-Status: yes\n\n", false), ("X-Spam : yes\n", true),
    ])
    func `mail marked in its header goes to Junk`(_ body: String, _ isJunk: Bool) throws {
        let scratch = try Scratch()
        #expect(Maildir().deliver([delivery(scratch, body, subaddress: "x", filesJunk: true)]).areDelivered)
        #expect(try scratch.names("md/new").count == (isJunk ? 0 : 1))
        #expect(try scratch.has("md/.Junk") == isJunk)
        #expect(Maildir().deliver([delivery(scratch, body, number: 2)]).areDelivered)
        #expect(try scratch.has("md/new/" + name(2).text))
    }

    @Test func `one bad delivery of a batch hinders no other`() throws {
        let scratch = try Scratch()
        try scratch.write("file", "")
        var bad = delivery(scratch, number: 2)
        bad.path = scratch.path + "/file"
        var short = delivery(scratch, number: 3)
        let file = SharedDescriptor(try Files.open(scratch.path + "/file", O_RDONLY))
        short.message = MessageSource(.extent(file, offset: 0, size: 5))
        let results = Maildir().deliver([delivery(scratch), bad, short, delivery(scratch, number: 4)])
        #expect(results.map(\.isDelivered) == [true, false, false, true])
        #expect(results.map(\.temporaryStatus) == [nil, "4.2.0", "4.3.0", nil])
        #expect(try scratch.names("md/new") == [name(1).text, name(4).text])
        #expect(try scratch.names("md/tmp") == [])
    }

    @Test func `a batch of 64 is synced file by file before the one sync of the directory`() throws {
        let scratch = try Scratch()
        #expect(Maildir().deliver([delivery(scratch, number: 1000)]).areDelivered)
        let files = FailingFiles(.crash, at: .max)
        let batch = (1...64).map { delivery(scratch, number: UInt64($0)) }
        #expect(Maildir(files: files).deliver(batch).areDelivered)
        let calls = files.log.filter { $0 == "write" || $0 == "sync" || $0 == "rename" }
        #expect(calls == Array(repeating: "write", count: 64) + Array(repeating: "sync", count: 64)
            + Array(repeating: "rename", count: 64) + ["sync"])
        #expect(try scratch.names("md/new").count == 65)
    }

    @Test func `host names cannot spoil the file's name`() {
        let envelope = EnvelopeID(rawValue: 0x1_0000_0001)!
        func text(_ host: String) -> String { MaildirName(created: Timestamp(seconds: -5), envelope: envelope, host: host).text }
        #expect(text("a/b:c\n") == "0.0000000100000001.a\\057b\\072c_")
        #expect(text("") == "0.0000000100000001.localhost")
        #expect(text(String(repeating: "h", count: 500)).utf8.count < 100)
        #expect(MaildirName(now: Timestamp(seconds: 7), random: 0xAB, host: "h").text == "7.000000ab.h")
    }
}

@Suite("Maildir: every call that can fail (reliability 1)") struct MaildirFaultTests {
    private func deliver(_ scratch: Scratch, _ files: any MailboxFiles, isRepeat: Bool = false) -> [DeliveryOutcome] {
        Maildir(files: files).deliver([
            delivery(scratch, number: 1, isRepeat: isRepeat), delivery(scratch, "X-Spam: yes\n\n", number: 2, filesJunk: true, isRepeat: isRepeat),
        ])
    }

    @Test(arguments: [ENOSPC, EIO, EDQUOT, EACCES])
    func `a failing call leaves nothing of a message that is not reported delivered`(code: CInt) throws {
        var number = 1
        while true {
            let scratch = try Scratch()
            let files = FailingFiles(.failure(code), at: number)
            let results = deliver(scratch, files)
            for (result, file) in zip(results, ["md/new/" + name(1).text, "md/.Junk/new/" + name(2).text]) {
                #expect(try scratch.has(file) == result.isDelivered, "call \(number): \(files.log.last ?? "")")
            }
            if !files.isReached { break }
            for directory in ["md/tmp", "md/.Junk/tmp"] where try scratch.has(directory) {
                #expect(try scratch.names(directory) == [], "call \(number)")
            }
            #expect(deliver(scratch, KernelFiles(), isRepeat: true).areDelivered)
            #expect(try scratch.names("md/new").count == 1)
            #expect(try scratch.names("md/.Junk/new").count == 1)
            number += 1
        }
        #expect(number > 20)
    }

    @Test(arguments: [false, true])
    func `a crash at any call leaves no torn message, and the repeat leaves exactly one`(isRepeat: Bool) throws {
        var number = 1
        while true {
            let scratch = try Scratch()
            let files = FailingFiles(.crash, at: number)
            let results = deliver(scratch, files)
            if !files.isReached {
                #expect(results.areDelivered)
                break
            }
            #expect(!results.areDelivered, "call \(number)")
            if try scratch.has("md/new/" + name(1).text) { #expect(try scratch.content("md/new/" + name(1).text) == text) }
            #expect(deliver(scratch, KernelFiles(), isRepeat: isRepeat).areDelivered)
            #expect(try scratch.names("md/new") == [name(1).text])
            #expect(try scratch.names("md/.Junk/new") == [name(2).text])
            #expect(try scratch.content("md/new/" + name(1).text) == text)
            number += 1
        }
    }
}
