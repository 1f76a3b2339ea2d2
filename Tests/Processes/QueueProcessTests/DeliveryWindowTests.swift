import Envelopes
import Testing

@testable import QueueProcess

/// The n-th envelope of a message.
private func envelope(_ number: UInt32, of message: UInt32 = 1) throws -> EnvelopeID {
    let message = try #require(MessageID(rawValue: message))
    return try #require(EnvelopeID(message, number))
}

@Suite("Bodies in the dispatcher's hands are bounded") struct DeliveryWindowTests {
    @Test func `what waits comes out in order and by the batch`() throws {
        var window = DeliveryWindow()
        let ids = try (1...5).map { try envelope($0) }
        window.add(Array(ids[..<3]))
        window.add(Array(ids[3...]))
        #expect(window.next(2) == Array(ids[..<2]))
        #expect(window.next(9) == Array(ids[2...]))
        #expect(window.next(9) == [])
    }

    @Test func `one byte below the capacity leaves it open, the capacity closes it until a body is back`() throws {
        var window = DeliveryWindow()
        let (first, second, third) = (try envelope(1), try envelope(1, of: 2), try envelope(1, of: 3))
        window.add([third])
        window.handedOut([first], .inline(DeliveryWindow.capacity - 1))
        #expect(window.isOpen)
        window.handedOut([second], .inline(1))
        #expect(!window.isOpen)
        #expect(window.next(1) == [])
        window.returned(second)
        #expect(window.next(1) == [third])
    }

    @Test func `a body is back with the last envelope that shares it`() throws {
        var window = DeliveryWindow()
        let ids = try (1...3).map { try envelope($0) }
        window.handedOut(ids, .inline(DeliveryWindow.capacity))
        window.returned(ids[0])
        window.returned(ids[0])
        window.returned(ids[1])
        #expect(!window.isOpen)
        window.returned(ids[2])
        #expect(window.isOpen)
        #expect(window.outstanding == 0)
    }

    @Test func `files count as descriptors`() throws {
        var window = DeliveryWindow()
        for number in 1..<UInt32(DeliveryWindow.maximumFiles) { window.handedOut([try envelope(number)], .file) }
        #expect(window.isOpen)
        window.handedOut([try envelope(UInt32(DeliveryWindow.maximumFiles))], .file)
        #expect(!window.isOpen)
    }

    @Test func `an envelope that was not handed out changes nothing`() throws {
        var window = DeliveryWindow()
        window.handedOut([try envelope(1)], .inline(DeliveryWindow.capacity))
        window.returned(try envelope(2))
        #expect(!window.isOpen)
    }
    @Test func `an operator's order goes with the envelopes it made due, once`() throws {
        var window = DeliveryWindow()
        let ids = try (UInt32(1)...3).map { try envelope($0) }
        window.add([ids[0]])
        window.add([ids[1], ids[2]], order: 5)
        #expect(window.next(10) == ids)
        #expect(ids.map { window.takeOrder(of: $0) } == [nil, 5, 5])
        #expect(ids.map { window.takeOrder(of: $0) } == [nil, nil, nil])
    }
}
