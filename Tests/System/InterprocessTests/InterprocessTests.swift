import EventLoop
import Glibc
import LoopTesting
import Platform
import SeededTesting
import Testing
import WireFormat
import WireTesting

@testable import Interprocess

/// A message of this suite: a number and octets.
struct Parcel: WireMessage, Equatable {
    var number: UInt64
    var content: [UInt8] = []

    init(_ number: UInt64, _ content: [UInt8] = []) {
        self.number = number
        self.content = content
    }

    func encode(into writer: inout WireWriter) {
        writer.write(number)
        writer.write(content)
    }

    init(from reader: inout WireReader) throws(WireError) {
        number = try reader.readUInt64()
        content = try reader.readBytes()
    }
}

/// One end of a link that remembers what came.
@EventLoopActor final class End {
    private(set) var link: Link<Parcel, Parcel>!  // Set at the end of init, before anybody can look.
    private(set) var received: [Parcel] = []
    private(set) var descriptors: [UInt64: CInt] = [:]
    private(set) var failures: [LinkFailure] = []
    var onMessage: ((Parcel) -> Void)?

    init(_ socket: consuming OwnedDescriptor, maximumFrame: Int = 1 << 20) {
        link = Link(
            adopting: socket, name: "peer", maximumFrame: maximumFrame,
            receive: { [unowned self] message, descriptor in
                received.append(message)
                if let descriptor { descriptors[message.number] = descriptor.release() }
                onMessage?(message)
                changed()
            },
            closed: { [unowned self] in
                failures.append($0)
                changed()
            })
    }

    private var waiter: CheckedContinuation<Void, Never>?
    private func changed() { waiter.take()?.resume() }

    /// Waits until that many messages or a failure have come; gives up after five seconds.
    func settle(_ count: Int) async {
        let end = MonotonicInstant.now() + 5
        let timer = LoopTimer { [unowned self] in changed() }
        timer.schedule(at: end)
        while received.count < count, failures.isEmpty, .now() < end {
            await withCheckedContinuation { waiter = $0 }
        }
        timer.cancel()
    }
}

@Suite("Links between processes") struct LinkTests {
    @Test func `messages arrive whole and in order, also when they exceed every buffer`() async throws {
        try await onLoop {
            let (left, right) = try ends()
            let parcels = (0..<300).map { (number: Int) -> Parcel in
                let count = number % 7 == 0 ? 50_000 : number
                return Parcel(UInt64(number), [UInt8](repeating: UInt8(number & 255), count: count))
            }
            for parcel in parcels { left.link.send(parcel) }
            #expect(left.link.queuedBytes > 2_000_000)
            await right.settle(300)
            #expect(right.received == parcels)
            #expect(left.link.queuedBytes == 0)
        }
    }

    @Test func `what is sent in one turn leaves at its end`() async throws {
        try await onLoop {
            let (left, right) = try ends()
            left.link.send(Parcel(1))
            left.link.send(Parcel(2))
            #expect(left.link.queuedBytes == 2 * (4 + 12))
            await right.settle(2)
            #expect(right.received == [Parcel(1), Parcel(2)])
        }
    }

    @Test func `a descriptor comes with its message, between others and for long ones too`() async throws {
        try await onLoop {
            let (left, right) = try ends()
            let pipes = try (0..<20).map { _ in try pipe() }
            for number in 0..<20 {
                left.link.send(Parcel(UInt64(number * 2)))
                let content = [UInt8](repeating: 1, count: number % 4 == 0 ? 300_000 : 5)
                left.link.send(Parcel(UInt64(number * 2 + 1), content), descriptor: OwnedDescriptor(adopting: pipes[number].write))
            }
            await right.settle(40)
            let numbers: [UInt64] = Array(0..<40)
            #expect(right.received.map(\.number) == numbers)
            #expect(right.descriptors.keys.sorted() == numbers.filter { $0 % 2 == 1 })
            for number in 0..<20 {
                let written = OwnedDescriptor(adopting: try #require(right.descriptors[UInt64(number * 2 + 1)]))
                try Files.writeAll(written, [UInt8(number)])
                try written.close()
                // The end follows, so the sender's copy is closed.
                let read = OwnedDescriptor(adopting: pipes[number].read)
                #expect(try Files.readToEnd(read, limit: 10) == [UInt8(number)])
            }
        }
    }

    @Test func `a frame at the limit is taken, one octet more ends the link`() async throws {
        try await onLoop {
            let (left, right) = try ends(maximumFrame: 100)
            left.link.send(Parcel(1, [UInt8](repeating: 0, count: 88)))
            left.link.send(Parcel(2, [UInt8](repeating: 0, count: 89)))
            left.link.send(Parcel(3))
            await right.settle(3)
            #expect(right.received.map(\.number) == [1])
            #expect(right.failures == [.oversized])
            #expect(!right.link.isOpen)
        }
    }

    @Test(arguments: [
        ([UInt8](arrayLiteral: 0, 0, 0, 1, 9), LinkFailure.malformed(.truncated)),
        ([0, 0, 0, 0], .malformed(.truncated)),
        ([0, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 7], .malformed(.trailingBytes(1))),
        ([0xFF, 0xFF, 0xFF, 0xFF], .oversized),
        ([0, 16, 0, 1], .oversized),
        ([0, 0, 0, 12, 1], .malformed(.truncated)),
        ([0, 0], .malformed(.truncated)),
        ([], .peerClosed),
    ])
    func `a hostile peer costs the link and nothing else`(_ bytes: [UInt8], _ failure: LinkFailure) async throws {
        try await onLoop {
            let pair = try LocalSocket.pair()
            let end = End(pair.first)
            try Files.writeAll(pair.second, bytes)
            try pair.second.close()
            await end.settle(1)
            #expect(end.failures == [failure])
            #expect(end.received.isEmpty)
            // Nobody is there, and nothing happens.
            end.link.send(Parcel(1))
            #expect(end.link.queuedBytes == 0)
        }
    }

    @Test func `random octets never do more than end the link`() async throws {
        try await onLoop {
            var random = SplitMix64(seed: 4)
            for _ in 0..<500 {
                let pair = try LocalSocket.pair()
                let end = End(pair.first, maximumFrame: 64)
                var bytes: [UInt8] = []
                for _ in 0..<Int(random.next() % 6) {
                    var frame = Parcel(random.next(), [UInt8](repeating: 1, count: Int(random.next() % 20))).encoded
                    frame = withUnsafeBytes(of: UInt32(frame.count).bigEndian) { Array($0) } + frame
                    if random.next() % 3 == 0 { frame[Int(random.next() % UInt64(frame.count))] = UInt8(truncatingIfNeeded: random.next()) }
                    bytes += frame
                }
                try Files.writeAll(pair.second, bytes)
                try pair.second.close()
                await end.settle(.max)
                #expect(end.failures.count == 1)
                #expect(end.received.count <= 6)
            }
        }
    }

    @Test func `descriptors nobody asked for are closed`() async throws {
        try await onLoop {
            let pair = try LocalSocket.pair()
            let end = End(pair.first)
            let pipe = try pipe()
            let own = OwnedDescriptor(adopting: pipe.write)
            let raw = own.raw
            let socket = pair.second.raw
            // One with each octet of a length that is never followed by its frame.
            for _ in 0..<3 {
                let sent = try [UInt8](arrayLiteral: 0).withUnsafeBytes { try LocalSocket.send($0, descriptor: raw, over: socket) }
                #expect(sent == 1)
            }
            try own.close()
            await pause(until: .now() + .milliseconds(10))
            try pair.second.close()
            await end.settle(1)
            #expect(end.failures == [.malformed(.truncated)])
            let read = OwnedDescriptor(adopting: pipe.read)
            #expect(try Files.readToEnd(read, limit: 1).isEmpty)
        }
    }

    @Test func `what a peer said before it went is delivered, then its end, also to a sender`() async throws {
        try await onLoop {
            let (left, right) = try ends()
            left.link.send(Parcel(1))
            left.link.flush()
            left.link.close()
            right.link.send(Parcel(2))
            await right.settle(2)
            #expect(right.received == [Parcel(1)])
            #expect(right.failures == [.peerClosed])
            #expect(left.failures.isEmpty)
        }
    }

    @Test func `closing within a delivery stops it`() async throws {
        try await onLoop {
            let (left, right) = try ends()
            right.onMessage = { [unowned right] _ in right.link.close() }
            for number in 0..<5 { left.link.send(Parcel(UInt64(number))) }
            await left.settle(1)
            #expect(right.received == [Parcel(0)])
            #expect(right.failures.isEmpty)
            #expect(left.failures == [.peerClosed])
        }
    }

    @Test func `a sender can wait until the queue is short`() async throws {
        try await onLoop {
            let pair = try LocalSocket.pair()
            let end = End(pair.first)
            let peer = ByteStream(adopting: pair.second)
            for number in 0..<100 { end.link.send(Parcel(UInt64(number), [UInt8](repeating: 0, count: 50_000))) }
            var isDrained = false
            let waiter = spawn {
                await end.link.drained(below: 1000)
                isDrained = true
            }
            await pause(until: .now() + .milliseconds(5))
            #expect(!isDrained)
            while !isDrained, case .bytes = await peer.read(deadline: .now() + 1) {}
            await waiter.value
            #expect(end.link.queuedBytes < 1000)
        }
    }

    @Test func `closing lets go those who wait for a short queue`() async throws {
        try await onLoop {
            let pair = try LocalSocket.pair()
            let end = End(pair.first)
            end.link.send(Parcel(1, [UInt8](repeating: 0, count: 4 << 20)))
            spawn { end.link.close() }
            await end.link.drained(below: 1)
            try pair.second.close()
        }
    }

    @Test func `round trips are fast`() throws {
        let outcome = try Probe.run(["throughput", "20000", "64"])
        let rate = try #require(outcome.lines.first?.split(separator: " ").last.flatMap { Int($0) })
        // Half a million a second in a release build; this only notices a disaster.
        #expect(rate > 5_000, "\(outcome.output)")
    }
}

@Suite("Pending requests") struct PendingRequestsTests {
    @Test func `answers find their requests in any order, others find nothing`() async throws {
        try await onLoop {
            let pending = PendingRequests<String>()
            let first = pending.next()
            let second = pending.next()
            #expect(first != second)
            pending.resolve(second + 1, "invented")
            spawn {
                pending.resolve(second, "two")
                pending.resolve(first, "one")
                pending.resolve(first, "twice")
            }
            #expect(await pending.answer(first) == "one")
            #expect(await pending.answer(second) == "two")
            pending.resolve(first, "late")
            #expect(pending.count == 0)
            #expect(pending.next() > second)
        }
    }

    @Test func `an answer that comes before anybody waits is kept`() async throws {
        try await onLoop {
            let pending = PendingRequests<Int>()
            let id = pending.next()
            pending.resolve(id, 5)
            #expect(await pending.answer(id) == 5)
        }
    }

    @Test func `an answer to a request that was given up is for nobody`() async throws {
        try await onLoop {
            let pending = PendingRequests<Int>()
            let (open, answered) = (pending.next(), pending.next())
            pending.resolve(answered, 5)
            pending.abandon(open)
            pending.abandon(answered)
            pending.resolve(open, 6)
            #expect(pending.count == 0)
        }
    }

    @Test func `the end of the peer ends every request`() async throws {
        try await onLoop {
            let pending = PendingRequests<Int>()
            let waiting = pending.next()
            let issued = pending.next()
            spawn { pending.failAll() }
            #expect(await pending.answer(waiting) == nil)
            #expect(await pending.answer(issued) == nil)
        }
    }
}

@EventLoopActor private func ends(maximumFrame: Int = 1 << 20) throws -> (End, End) {
    let pair = try LocalSocket.pair()
    return (End(pair.first), End(pair.second, maximumFrame: maximumFrame))
}

private func pipe() throws -> (read: CInt, write: CInt) {
    var ends: [CInt] = [-1, -1]
    _ = try checked("pipe") { Glibc.pipe(&ends) }
    return (ends[0], ends[1])
}
