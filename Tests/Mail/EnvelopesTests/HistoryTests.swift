import MailSyntax
import Testing

@testable import Envelopes

@Suite("Searching the history (smtpctl(8))") struct HistorySearchTests {
    private static func message(_ number: UInt32) -> MessageID { MessageID(rawValue: number)! }

    /// Two messages: one handed in here for two recipients, and one from elsewhere that was refused.
    private static let events: [HistoryEvent] = {
        func time(_ seconds: Int64) -> Timestamp { Timestamp(seconds: 1_800_000_000 + seconds) }
        let (first, second) = (message(0xA1), message(0xB2))
        return [
            HistoryEvent(
                time: time(0), message: first,
                .accepted(.init(sender: "ada@example.org", messageID: "<one@example.org>", source: "local", user: "uid 1000", size: 7))),
            HistoryEvent(time: time(0), message: first, .queued(number: 1, .init(destination: "bob@example.net", given: "team@example.org", action: "out"))),
            HistoryEvent(time: time(0), message: first, .queued(number: 2, .init(destination: "cyd@example.net", given: "cyd@example.net", action: "out"))),
            HistoryEvent(
                time: time(5), message: second,
                .accepted(.init(sender: "", messageID: "", source: "192.0.2.1", user: "", size: 9))),
            HistoryEvent(time: time(5), message: second, .queued(number: 1, .init(destination: "ada@example.org", given: "ada@example.org", action: "in"))),
            HistoryEvent(time: time(6), EnvelopeID(first, 1)!, .deferred, to: "bob@example.net", "4.2.0 later"),
            HistoryEvent(time: time(7), EnvelopeID(second, 1)!, .failed, to: "ada@example.org", "5.1.1 no \"such\" user"),
            HistoryEvent(time: time(9), EnvelopeID(first, 2)!, .delivered, to: "cyd@example.net", "250 taken"),
            HistoryEvent(time: time(10), EnvelopeID(first, 1)!, .delivered, to: "bob@example.net", "250 taken"),
        ]
    }()

    private static func find(_ filter: HistoryFilter) -> [Int] {
        var search = HistorySearch(filter, now: 1_800_000_010)
        return events.flatMap { search.take($0) }.map { events.firstIndex(of: $0)! }
    }

    @Test(arguments: [
        ([], Array(0..<9)), (["id=000000a1"], [0, 1, 2, 5, 7, 8]), (["id=000000A100000002"], [0, 2, 7]), (["id=ff"], []),
        (["from=ada@example.org"], [0, 1, 2, 5, 7, 8]), (["from=<>"], [3, 4, 6]), (["to=bob@*"], [0, 1, 5, 8]),
        (["to=TEAM@example.org"], [0, 1, 5, 8]), (["message-id=one@example.org"], [0, 1, 2, 5, 7, 8]),
        (["message-id=<one@*"], [0, 1, 2, 5, 7, 8]), (["message-id=*"], Array(0..<9)), (["uid=1000"], [0, 1, 2, 5, 7, 8]),
        (["uid=0"], []), (["user=uid 1000", "to=cyd@*"], [0, 2, 7]), (["newer=3"], [6, 7, 8]), (["older=5"], [0, 1, 2, 3, 4]),
        (["newer=5", "from=ada@*"], [5, 7, 8]),
    ] as [([String], [Int])])
    func `every word must fit, and an outcome is of its message`(_ words: [String], _ expected: [Int]) throws {
        #expect(Self.find(try HistoryFilter(words: words)) == expected)
        #expect(Self.find(try HistoryFilter(words: HistoryFilter(words: words).words)) == expected)
    }

    @Test func `a user sees what he has handed in, and nothing else`() throws {
        let own = try #require(HistoryFilter().restricted(toUser: 1_000))
        #expect(Self.find(own) == [0, 1, 2, 5, 7, 8])
        #expect(Self.find(try #require(HistoryFilter(words: ["to=ada@example.org"]).restricted(toUser: 1_000))) == [])
        #expect(try HistoryFilter(words: ["uid=0"]).restricted(toUser: 1_000) == nil)
        // An outcome whose acceptance is forgotten is nobody's.
        var search = HistorySearch(own, now: 1_800_000_010)
        #expect(search.take(Self.events[8]) == [])
    }

    @Test(arguments: [["id="], ["id=xyz"], ["colour=red"], ["to"], ["to="], ["to=a", "to=b"], ["newer=soon"], ["from=a\nb"]])
    func `other words are refused`(_ words: [String]) {
        #expect(throws: HistoryFilter.Problem.self) { try HistoryFilter(words: words) }
    }

    @Test func `a line names the moment, the id and the event`() {
        #expect(
            Self.events[0].line
                == "2027-01-15T08:00:00Z 000000a1 accepted from=<ada@example.org> size=7 client=local user=\"uid 1000\" message-id=<one@example.org>")
        #expect(Self.events[1].line == "2027-01-15T08:00:00Z 000000a100000001 queued to=<bob@example.net> for=<team@example.org> action=out")
        #expect(Self.events[8].line == "2027-01-15T08:00:10Z 000000a100000001 delivered to=<bob@example.net> text=\"250 taken\"")
        #expect(
            Self.events[6].value.line
                == #"{"time":1800000007,"event":"failed","message":"000000b2","envelope":"000000b200000001","to":"ada@example.org","text":"5.1.1 no \"such\" user"}"#)
        let strange = HistoryEvent(time: Timestamp(seconds: 0), EnvelopeID(rawValue: 1 << 32 | 1)!, .failed, to: "a\u{1B}[2J", String(repeating: "é", count: 900))
        #expect(strange.line.unicodeScalars.allSatisfy { $0.value >= 0x20 } && strange.line.utf8.count < 700)
    }
}

@Suite("The Message-ID of a message that comes in pieces (RFC 5322 section 3.6.4)") struct MessageIDSearchTests {
    @Test(arguments: [
        ("From: a\r\nMessage-ID: <x@y>\r\n\r\nbody", "<x@y>"), ("message-id:<x@y>\n\n", "<x@y>"),
        ("Message-Id:\r\n <x\r\n\t@y>\r\n\r\n", "<x@y>"), ("Subject: Message-ID: <no>\r\n\r\nMessage-ID: <no@body>\r\n", ""),
        ("X-Message-ID: <no>\r\nMessage-ID: <yes@z>\r\n", "<yes@z>"), ("Message-ID: none\r\nFrom: <a@b>\r\n\r\n", ""),
        ("Message-ID: (a) <x@y> <z@w>\r\n", "<x@y>"), ("", ""), ("\r\nMessage-ID: <x@y>\r\n", ""), ("Message-ID", ""),
        ("Subject: a\r\n folded\r\nMessage-ID: <x@y>\r\n", "<x@y>"),
    ])
    func `is the first of the header`(_ message: String, _ expected: String) {
        for size in [1, 3, 1_000] {
            var search = MessageIDSearch()
            let bytes = Array(message.utf8)
            for start in stride(from: 0, to: bytes.count, by: size) { search.append(Array(bytes[start..<min(start + size, bytes.count)])) }
            #expect(search.text == expected, "pieces of \(size)")
        }
    }

    @Test func `a header without end is not looked at for ever`() {
        var search = MessageIDSearch()
        for _ in 0..<100 { search.append(Array(repeating: UInt8(ascii: "x"), count: 1_000)) }
        #expect(search.isFinished && search.text.isEmpty)
        search = MessageIDSearch()
        search.append(Array("Message-ID: <".utf8) + Array(repeating: UInt8(ascii: "x"), count: 100_000))
        #expect(search.isFinished && search.text.isEmpty)
    }
}
