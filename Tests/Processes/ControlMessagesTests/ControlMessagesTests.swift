import Envelopes
import SeededTesting
import Testing
import WireFormat
import WireTesting

@testable import ControlMessages

private func message(_ raw: UInt32) -> MessageID { MessageID(rawValue: raw)! }
private func envelope(_ raw: UInt64) -> EnvelopeID { EnvelopeID(rawValue: raw)! }

// The words are right.
private let filter = try! QueueFilter(words: ["from=*@example.org", "state=deferred,held"])

private let requests: [ClientToControl] = [
    .hello(version: 1), .hello(version: .max), .submit, .showQueue(.all), .showQueue(.message(message(0x5F3A_9C1E))),
    .showEnvelope(envelope(0x5F3A_9C1E_00D1_B2C4)), .showMessage(message(1)), .showStatistics, .showStatus,
    .schedule(.all), .remove(.message(message(7))), .suspend(.envelope(envelope(1 << 32 | 1))), .resume(.all),
    .setPaused(.mda, true), .setPaused(.mta, false), .setPaused(.smtp, true), .setVerbose(true), .reload, .stop,
    .showQueue(.matching(filter)), .remove(.matching(QueueFilter())), .show(.hosts, asJSON: false), .show(.relays, asJSON: true),
    .resumeRoute(7), .setRelayingPaused(source: .v4(0xC000_0201), domain: "example.org", true),
    .setRelayingPaused(source: nil, domain: "example.org", false), .setRelayingPaused(source: .v6(high: 1, low: 2), domain: nil, true),
    .setTracing(subject: "mta", true), .updateTable("aliases"), .updateTable(String(repeating: "t", count: ClientToControl.longestName)),
    .history(HistoryFilter(), asJSON: false), .history(try! HistoryFilter(words: ["to=bob@example.org", "newer=2d"]), asJSON: true),
    .explain(["ada@example.org", "tls=yes"], asJSON: true), .explain([], asJSON: false),
]

private let answers: [ControlToClient] = [
    .submissionReady, .output(Array("a|b\n".utf8)), .output([]),
    .output([UInt8](repeating: 0xFF, count: ControlFrame.outputPiece)), .end, .done(count: 0), .done(count: .max),
    .failed("no such table"), .refused, .incompatible(version: 3),
]

@Suite("Messages on the control socket") struct ControlMessagesTests {
    /// The long outputs and names are left out: their checks take their length squared.
    private static let subjects = [
        WireSubject(requests.filter { $0.encoded.count < 64 }), WireSubject(answers.filter { $0.encoded.count < 64 }),
    ]

    @Test func `every message comes back as it was sent`() {
        #expect(WireSubject(requests).roundTripFaults() == [])
        #expect(WireSubject(answers).roundTripFaults() == [])
    }

    @Test(arguments: subjects) func `neither a cut nor a longer message is taken`(_ subject: WireSubject) {
        #expect(subject.lengthFaults() == [])
    }

    @Test(arguments: subjects) func `a changed byte is refused or means something else`(_ subject: WireSubject) {
        #expect(subject.changeFaults() + subject.countFaults() == [])
    }

    @Test(arguments: subjects) func `random bytes are refused or mean what they say`(_ subject: WireSubject) {
        #expect(subject.randomFaults(seed: 0x6D61_7274_6C65_74, rounds: 5_000) == [])
    }

    @Test func `a reason arrives as one printable line`() throws {
        let sent = ControlToClient.failed("no\nsuch \u{1B}table")
        #expect(try ControlToClient(decoding: sent.encoded[...]) == .failed("no?such ?table"))
        #expect(throws: WireError.invalid("printable line")) {
            try ControlToClient(decoding: [5, 0, 0, 0, 2, 0x61, 0x0A])
        }
    }

    @Test func `every message fits its frame`() {
        for request in requests { #expect(request.encoded.count <= ControlFrame.longestRequest) }
        for answer in answers { #expect(answer.encoded.count <= ControlFrame.longestAnswer) }
    }

    @Test func `unknown kinds and ids that cannot be are refused`() {
        let hostile: [[UInt8]] = [
            [0], [21], [255], [17, 0, 0], [17, 6, 0], [17, 1, 2], [19, 0, 0, 0, 0, 0, 0, 0, 0, 1], [3, 4, 0, 0, 0, 1, 0, 0, 0, 1, 0x61], [4, 0, 0, 0, 0, 0, 0, 0, 1], [5, 0, 0, 0, 0], [12, 0, 1], [12, 4, 1], [12, 1, 2],
            [8, 9], [16, 0, 0, 0, 0], [16, 0, 0, 0, 2, 0x61, 0x0A], [16, 0, 0, 0, 1, 0xFF],
        ]
        for bytes in hostile { #expect(throws: WireError.self) { try ClientToControl(decoding: bytes[...]) } }
        let long = ClientToControl.updateTable(String(repeating: "t", count: ClientToControl.longestName + 1))
        #expect(throws: WireError.self) { try ClientToControl(decoding: long.encoded[...]) }
    }

    @Test func `only submitting is open to everybody, and only one's own mail to others than root`() {
        func asking(_ audience: ControlAudience) -> [ClientToControl] { requests.filter { $0.audience == audience } }
        #expect(asking(.everybody) == [.hello(version: 1), .hello(version: .max), .submit])
        for request in asking(.owners) {
            switch request {
            case .showMessage, .remove: break
            default: Issue.record("\(request) is no business of users")
            }
        }
        for request in asking(.ownersAndReaders) + asking(.readers) {
            switch request {
            case .showQueue, .showEnvelope, .showStatistics, .showStatus, .show, .history: break
            default: Issue.record("\(request) changes something")
            }
        }
        #expect(asking(.operators).contains(.stop) && asking(.operators).contains(.setTracing(subject: "mta", true)))
    }
}

@Suite("Frames on the control socket") struct ControlFrameTests {
    @Test func `frames are found in whatever pieces they arrive`() throws {
        let stream = requests.flatMap { ControlFrame.bytes($0) }
        for size in [1, 2, 3, 5, 64, stream.count] {
            var buffer = ControlFrameBuffer(longest: ControlFrame.longestRequest)
            var found: [ClientToControl] = []
            var rest = stream[...]
            while !rest.isEmpty {
                buffer.append(rest.prefix(size))
                rest = rest.dropFirst(size)
                while let request = try buffer.next(ClientToControl.self) { found.append(request) }
            }
            #expect(found == requests)
            #expect(buffer.isEmpty)
        }
    }

    @Test func `a frame at the limit is taken, one byte more is not, and neither is an empty one`() throws {
        func buffer(_ message: ControlToClient) -> ControlFrameBuffer {
            var buffer = ControlFrameBuffer(longest: 100)
            buffer.append(ControlFrame.bytes(message))
            return buffer
        }
        var fits = buffer(.output([UInt8](repeating: 1, count: 95)))
        #expect(try fits.next(ControlToClient.self) != nil)
        var exceeds = buffer(.output([UInt8](repeating: 1, count: 96)))
        #expect(throws: WireError.self) { try exceeds.next(ControlToClient.self) }
        var empty = ControlFrameBuffer(longest: 100)
        empty.append([0, 0, 0, 0])
        #expect(throws: WireError.self) { try empty.next(ControlToClient.self) }
    }

    @Test func `a lying length is refused before its bytes arrive`() {
        var buffer = ControlFrameBuffer(longest: ControlFrame.longestRequest)
        buffer.append([0xFF, 0xFF, 0xFF, 0xFF])
        #expect(throws: WireError.self) { try buffer.next(ClientToControl.self) }
    }

    @Test func `what follows submissionReady is left for SMTP`() throws {
        var buffer = ControlFrameBuffer(longest: ControlFrame.longestAnswer)
        buffer.append(ControlFrame.bytes(ControlToClient.submissionReady) + Array("220 host\r\n".utf8))
        #expect(try buffer.next(ControlToClient.self) == .submissionReady)
        #expect(buffer.takeRest() == Array("220 host\r\n".utf8))
        #expect(buffer.isEmpty)
    }

    @Test func `garbage never traps`() {
        var random = SplitMix64(seed: 0x6D61_7274_6C65_74)
        for _ in 0..<20_000 {
            var bytes = ControlFrame.bytes(requests[Int(random.next() % UInt64(requests.count))])
            for _ in 0..<(random.next() % 4) {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            var buffer = ControlFrameBuffer(longest: ControlFrame.longestRequest)
            buffer.append(bytes)
            do throws(WireError) { while try buffer.next(ClientToControl.self) != nil {} } catch { continue }
        }
    }
}
