import Envelopes
import Platform
import QueueCompression
import QueueEncryption
import SeededTesting
import Testing

@testable import QueueStorage

@Suite("The history of what became of messages") struct HistoryTests {
    private static func event(_ number: UInt32, at seconds: Int64 = 1_800_000_000) throws -> HistoryEvent {
        let id = try #require(EnvelopeID(rawValue: UInt64(number) << 32 | 1))
        return HistoryEvent(
            time: Timestamp(seconds: seconds + Int64(number)), id, .delivered, to: "secret-name@example.org", "250 2.0.0 taken")
    }

    private static func log(
        _ device: SimulatedDevice, limit: Int = 1 << 20, _ wrapping: PayloadWrapping = PayloadWrapping(), seed: UInt64 = 3
    ) -> HistoryLog {
        HistoryLog(device: device, limit: limit, wrapping: wrapping, random: Sample.random(seed))
    }

    private static func all(_ reader: HistoryReader) throws -> [HistoryEvent] {
        var events: [HistoryEvent] = []
        while let next = try reader.next() { events += next }
        return events
    }

    /// A block each.
    private static func fill(_ log: HistoryLog, _ numbers: ClosedRange<UInt32>) throws {
        for number in numbers {
            _ = log.note(try event(number))
            try log.write()
        }
    }

    @Test func `every event comes back as it was`() throws {
        let message = try #require(MessageID(rawValue: 7))
        let text = String(repeating: "ä", count: 300)
        let events: [HistoryEvent] =
            [
                HistoryEvent(
                    time: Timestamp(seconds: -1), message: message,
                    .accepted(.init(sender: "", messageID: "<a@b>", source: "local", user: "uid 1000", size: .max))),
                HistoryEvent(
                    time: Timestamp(seconds: .max), message: message,
                    .queued(number: .max, .init(destination: "a@example.org", given: "b@example.org", action: "relay"))),
            ]
            + HistoryEvent.Outcome.allCases.map { outcome in
                HistoryEvent(time: Timestamp(seconds: 0), EnvelopeID(rawValue: 1 << 32 | 1)!, outcome, to: "c@example.org", text)
            }
        let device = SimulatedDevice()
        let log = Self.log(device)
        for event in events { _ = log.note(event) }
        #expect(log.hasUnwritten)
        #expect(try Self.all(log.reader()) == events)
        #expect(!log.hasUnwritten)
        // A later process goes on where this one has ended.
        let next = Self.log(device, seed: 4)
        try next.rewrap()
        _ = next.note(events[0])
        #expect(try Self.all(next.reader()) == events + [events[0]])
    }

    @Test func `the oldest events are forgotten when there is no more room`() throws {
        let device = SimulatedDevice()
        let log = Self.log(device, limit: HistoryLog.smallestLimit)
        try Self.fill(log, 1...2_000)
        let events = try Self.all(log.reader())
        #expect(events.last == (try Self.event(2_000)))
        #expect(events.count > 300 && events.count < 1_000)
        #expect(events == (try ((2_001 - UInt32(events.count))...2_000).map { try Self.event($0) }))
        let size = ["current", "former"].reduce(0) { $0 + (device.content($1)?.count ?? 0) }
        #expect(size <= HistoryLog.smallestLimit + 1_000)
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func `damage costs the block it is in and no other`(_ seed: UInt64) throws {
        let device = SimulatedDevice()
        let log = Self.log(device)
        try Self.fill(log, 1...20)
        let content = try #require(device.content("current"))
        var random = SplitMix64(seed: seed)
        for _ in 0..<200 {
            var damaged = content
            let place = Int.random(in: HistoryFileHeader.size..<damaged.count, using: &random)
            damaged[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            device.setContent("current", damaged)
            let reader = try HistoryReader(device: device, wrapping: PayloadWrapping())
            #expect(try Self.all(reader).count == 19, "octet \(place)")
            #expect(reader.damaged == 1)
        }
        for length in stride(from: 0, to: content.count, by: 7) {
            device.setContent("current", Array(content.prefix(length)))
            let reader = try HistoryReader(device: device, wrapping: PayloadWrapping())
            #expect(try Self.all(reader).count <= 20)
        }
        // What was torn stays in the middle when the next process goes on.
        device.setContent("current", Array(content.dropLast(5)))
        let next = Self.log(device)
        _ = next.note(try Self.event(21))
        #expect(try Self.all(next.reader()).count == 20)
    }

    @Test func `octets at random are read to their end`() throws {
        var random = SplitMix64(seed: 9)
        let device = SimulatedDevice()
        let log = Self.log(device)
        try Self.fill(log, 1...3)
        let start = try #require(device.content("current"))
        for _ in 0..<300 {
            var content = Array(start.prefix(Int.random(in: 0...start.count, using: &random)))
            for _ in 0..<Int.random(in: 0..<400, using: &random) { content.append(.random(in: .min ... .max, using: &random)) }
            if Bool.random(using: &random), content.count >= 40 { content.replaceSubrange(32..<40, with: start[32..<40]) }
            device.setContent("current", content)
            _ = try Self.all(HistoryReader(device: device, wrapping: PayloadWrapping()))
        }
    }

    @Test(arguments: SampleWrapping.available)
    func `what the queue keeps secret the history does`(_ sample: SampleWrapping) throws {
        let device = SimulatedDevice()
        let log = Self.log(device, sample.wrapping)
        for number in 1...50 as ClosedRange<UInt32> { _ = log.note(try Self.event(number)) }
        #expect(try Self.all(log.reader()).count == 50)
        let text = String(decoding: try #require(device.content("current")), as: UTF8.self)
        if sample != .compressed { #expect(!text.contains("secret-name")) }
        if sample == .encrypted {
            #expect(throws: StoreError.self) { try HistoryReader(device: device, wrapping: PayloadWrapping()) }
        }
    }

    @Test func `a change of the key rewrites what is there, and leaves nothing in clear`() throws {
        let device = SimulatedDevice()
        let log = Self.log(device, limit: HistoryLog.smallestLimit)
        try Self.fill(log, 1...600)
        let before = try Self.all(log.reader())
        let first = PayloadWrapping(cipher: SampleWrapping.cipher("a"))
        try log.use(first)
        for name in ["current", "former"] {
            #expect(!String(decoding: try #require(device.content(name)), as: UTF8.self).contains("secret-name"))
        }
        #expect(try Self.all(log.reader()) == before)
        // At a start with the next key, and the one of before as its backup.
        let second = PayloadWrapping(cipher: SampleWrapping.cipher("b"), formerCiphers: [SampleWrapping.cipher("a")])
        let next = Self.log(device, limit: HistoryLog.smallestLimit, second)
        try next.rewrap()
        #expect(try Self.all(HistoryReader(device: device, wrapping: PayloadWrapping(cipher: SampleWrapping.cipher("b")))) == before)
        // Without it the history begins anew, and what cannot be read stays until it is forgotten.
        let third = Self.log(device, limit: HistoryLog.smallestLimit, PayloadWrapping(cipher: SampleWrapping.cipher("c")))
        try third.rewrap()
        _ = third.note(try Self.event(7))
        #expect(try Self.all(third.reader()) == [try Self.event(7)])
        try HistoryLog.remove(from: device)
        #expect(try Self.all(Self.log(device).reader()).isEmpty)
    }

    @Test func `a disk that is full costs events and nothing else`() throws {
        let device = SimulatedDevice()
        for call in 1...12 {
            let log = Self.log(device, limit: HistoryLog.smallestLimit)
            try Self.fill(log, 1...500)
            device.fail(at: call, from: true)
            for number in 501...800 as ClosedRange<UInt32> {
                _ = log.note(try Self.event(number))
                _ = try? log.write()
            }
            device.fail(at: nil)
            _ = log.note(try Self.event(900))
            let events = try Self.all(log.reader())
            #expect(events.last == (try Self.event(900)))
            // What was there is there.
            #expect(events.contains(try Self.event(400)), "call \(call)")
        }
        device.setRoom(0)
        let log = Self.log(device, limit: HistoryLog.smallestLimit)
        _ = log.note(try Self.event(1))
        #expect(throws: StoreError.self) { try log.write() }
        #expect(!log.hasUnwritten)
    }
}
