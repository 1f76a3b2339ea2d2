import JSON
import MailSyntax
import SeededTesting
import Testing

@testable import Envelopes

@Suite("Which envelopes an operator means") struct QueueFilterTests {
    private let now: Int64 = 1_700_000_000 + 7_200

    private func filter(_ words: String...) throws -> QueueFilter { try QueueFilter(words: words) }

    private func matches(_ words: String..., history: DeliveryHistory = DeliveryHistory()) throws -> Bool {
        try QueueFilter(words: words).matches(
            envelope(to: address("b", "example.net")), transaction(from: .mailbox(address("Ada", "Example.org"))), history, now: now)
    }

    @Test func `no word means every envelope, and each word must fit`() throws {
        #expect(try matches())
        #expect(try matches("from=ada@example.org", "domain=example.net"))
        #expect(try !matches("from=ada@example.org", "domain=example.com"))
    }

    @Test func `texts are compared without case, and a star is anything`() throws {
        for text in ["ada@example.org", "ADA@EXAMPLE.ORG", "*@example.org", "ada*", "*", "a*@*.org", "**a@example.org*"] {
            #expect(try matches("from=\(text)"), "\(text)")
        }
        for text in ["ada", "ada@example.or", "da@example.org", "*@example.net", "a*b", "?da@example.org", ""] {
            #expect(try !matches("from=\(text)"), "\(text)")
        }
        #expect(try matches("to=b@example.net") && matches("to=B@*") && !matches("to=c@*"))
        #expect(try matches("domain=*.net") && !matches("domain=net"))
    }

    @Test func `the null sender is <>`() throws {
        let bounce = try transaction(from: .null)
        #expect(try filter("from=<>").matches(envelope(), bounce, DeliveryHistory(), now: now))
        #expect(try !matches("from=<>"))
    }

    @Test(arguments: [
        ("older=2h", true), ("older=7200", true), ("older=7201s", false), ("older=1h59m", true), ("newer=2h", true), ("newer=7199", false),
        ("older=0", true), ("newer=1d", true), ("older=1d", false),
    ])
    func `ages are counted from the envelope's creation`(_ word: String, _ fits: Bool) throws {
        #expect(try matches(word) == fits)
    }

    @Test func `ids are chosen by how they begin`() throws {
        #expect(try matches("id=5") && matches("id=5F3A9c1e") && matches("id=5f3a9c1e00d1b2c4"))
        #expect(try !matches("id=6") && !matches("id=5f3a9c1e00d1b2c5"))
        #expect(try filter("id=5f3a9c1e").ids == 0x5F3A_9C1E_0000_0000...0x5F3A_9C1E_FFFF_FFFF)
        #expect(try filter("id=5f3a9c1e00d1b2c4").ids == 0x5F3A_9C1E_00D1_B2C4...0x5F3A_9C1E_00D1_B2C4)
        #expect(try filter("id=f").ids == 0xF000_0000_0000_0000 ... .max)
        #expect(QueueFilter().ids == 0 ... .max)
        #expect(try filter("id=5").asksIDsOnly && QueueFilter().asksIDsOnly && !filter("id=5", "state=held").asksIDsOnly)
    }

    @Test func `a user's own mail is what the local socket brought under his number`() throws {
        var sent = try transaction(source: .local)
        sent.user = QueueFilter.login(ofUser: 1_000)
        #expect(try filter("uid=1000").matches(envelope(), sent, DeliveryHistory(), now: now))
        #expect(try !filter("uid=1001").matches(envelope(), sent, DeliveryHistory(), now: now))
        // Whoever authenticates over the network chooses his name.
        sent.source = .network(.v4(1))
        #expect(try !filter("uid=1000").matches(envelope(), sent, DeliveryHistory(), now: now))
        #expect(try filter("user=uid*").matches(envelope(), sent, DeliveryHistory(), now: now))
    }

    @Test func `a restriction to a user's own mail cannot be widened`() throws {
        let own = try #require(try filter("from=*", "state=held").restricted(toUser: 7))
        #expect(try own == filter("from=*", "state=held", "uid=7") || Set(own.words) == ["from=*", "state=held", "uid=7"])
        #expect(try filter("uid=8").restricted(toUser: 7) == nil)
        #expect(try filter("uid=7").restricted(toUser: 7) != nil)
        // As it travels.
        #expect(try QueueFilter(words: own.words).words.contains("uid=7"))
    }

    @Test func `states are several with commas, and what is deferred is pending too`() throws {
        let some = try filter("state=held,paused")
        #expect(some.matches(.held) && some.matches(.paused) && !some.matches(.pending) && !some.matches(.deferred) && !some.matches(.inflight))
        #expect(try filter("state=pending").matches(.deferred) && filter("state=pending").matches(.pending))
        #expect(try filter("state=deferred").matches(.deferred) && !filter("state=deferred").matches(.pending))
        for state in QueueFilter.State.allCases { #expect(QueueFilter().matches(state)) }
        // Without a try nothing has been deferred: the queue leaves it out.
        #expect(try !matches("state=deferred") && matches("state=deferred", history: DeliveryHistory(attempts: 1)))
        #expect(try matches("state=deferred,held"))
    }

    @Test(arguments: [
        ("", QueueFilter.Problem.unknownKey("")), ("from", .unknownKey("from")), ("size=1", .unknownKey("size=1")),
        ("id=", .badValue(.id, expected: "1 to 16 hexadecimal digits")), ("id=xyz", .badValue(.id, expected: "1 to 16 hexadecimal digits")),
        ("id=00000000000000000", .badValue(.id, expected: "1 to 16 hexadecimal digits")),
        ("uid=-1", .badValue(.uid, expected: "the number of a user")), ("uid=4294967296", .badValue(.uid, expected: "the number of a user")),
        ("kind=mail", .badValue(.kind, expected: "mda, mta or bounce")),
        ("older=", .badValue(.older, expected: "a time such as 90s, 10m, 2h or 1d12h")),
        ("older=2x", .badValue(.older, expected: "a time such as 90s, 10m, 2h or 1d12h")),
        ("newer=-1", .badValue(.newer, expected: "a time such as 90s, 10m, 2h or 1d12h")),
        ("older=9223372036854775808", .badValue(.older, expected: "a time such as 90s, 10m, 2h or 1d12h")),
        ("older=106751991167301d", .badValue(.older, expected: "a time such as 90s, 10m, 2h or 1d12h")),
        ("to=", .badValue(.to, expected: "a text, in which * stands for anything")),
        ("from=a\nb", .badValue(.from, expected: "at most 320 printable characters")),
    ])
    func `is refused`(_ word: String, because problem: QueueFilter.Problem) {
        #expect(throws: problem) { try QueueFilter(words: [word]) }
        #expect(!"\(problem)".isEmpty)
    }

    @Test func `a key counts once, and a value has an end`() throws {
        #expect(throws: QueueFilter.Problem.repeated(.from)) { try QueueFilter(words: ["from=a", "from=b"]) }
        _ = try filter("from=" + String(repeating: "a", count: 320))
        #expect(throws: QueueFilter.Problem.self) { try filter("from=" + String(repeating: "a", count: 321)) }
    }

    @Test func `many stars against a long text end soon`() throws {
        let pattern = AddressPattern(String(repeating: "*a", count: 150) + "b")
        #expect(!pattern.matches(String(repeating: "a", count: 20_000)))
    }

    @Test func `what travels means the same`() throws {
        var random = SplitMix64(seed: 14)
        let words = ["from=*@example.org", "to=b*", "domain=example.net", "older=1h", "newer=2d", "kind=mta", "state=deferred,held", "id=5f", "uid=7", "user=x"]
        for _ in 0..<500 {
            let chosen = words.filter { _ in Bool.random(using: &random) }
            let filter = try QueueFilter(words: chosen.shuffled(using: &random))
            #expect(try QueueFilter(words: filter.words) == filter)
        }
    }
}

@Suite("Lines of show queue as JSON") struct QueueListingJSONTests {
    @Test func `each field has its name and kind`() throws {
        let line = "5f3a9c1e00d1b2c4|inet4|mta|auth,hold|@|b@example.net|b@example.net|1700000000|1700345600|0|1|pending|-5|451 \"try\" | later"
        #expect(
            QueueListing.json(ofLine: line.utf8)?.line
                == #"{"id":"5f3a9c1e00d1b2c4","family":"inet4","kind":"mta","flags":["auth","hold"],"sender":"@","recipient":"b@example.net","destination":"b@example.net","created":1700000000,"expires":1700345600,"last_try":0,"tries":1,"state":"pending","seconds":-5,"error":"451 \"try\" | later"}"#)
        #expect(QueueListing.json(ofLine: "a|b|c".utf8) == nil)
    }

    @Test(arguments: 1...200)
    func `texts come back as they were before they were escaped`(_ seed: UInt64) throws {
        var generator = SplitMix64(seed: seed)
        let alphabet: [Unicode.Scalar] = ["|", "\\", "a", "0", "3", "7", "n", "t", "\n", "\r", "\t", "\u{1}", "\u{7F}", "\u{E4}", "\"", "\u{9B}", "\u{2028}"]
        let error = String(String.UnicodeScalarView((0..<12).map { _ in alphabet.randomElement(using: &generator)! }))
        let line = try QueueListing.line(envelope(), transaction(), DeliveryHistory(lastError: error), state: .offline)
        guard case .object(let members)? = QueueListing.json(ofLine: line.utf8) else { return #expect(Bool(false), "\(line)") }
        #expect(members.last?.value == .text(error), "\(line)")
        #expect(members.first { $0.name == "seconds" }?.value == .null)
    }
}
