import EventLoop
import Glibc
import Platform
import WireFormat

/// A typed connection to another process: messages out, messages in, descriptors with either.
///
/// Messages arrive whole and in order, or not at all. What is sent in one turn of the loop leaves in one
/// call at its end. A descriptor travels on the first octet of its message, which is sent in a call of its
/// own; the receiver gives it to the frame that holds the last octet of what came with it, and closes
/// what nobody takes. There is no limit to what is queued: a sender that can run ahead looks at
/// ``queuedBytes`` or waits in ``drained(below:)``.
///
/// After a failure the link is closed; `closed` is called once, never after ``close()``. The owner keeps
/// the link for as long as it is to work.
@EventLoopActor package final class Link<Outgoing: WireMessage, Incoming: WireMessage> {
    package typealias Receiver = @EventLoopActor (Incoming, consuming OwnedDescriptor?) -> Void

    /// For log lines: the peer's name.
    package let name: String
    private let receive: Receiver
    private let closed: @EventLoopActor (LinkFailure) -> Void

    // Properties go away in this order: the events before the descriptor they are about.
    private var watch: DescriptorWatch?
    private var socket: OwnedDescriptor?
    private var reader: FrameReader
    /// Came with the frame that is not complete yet.
    private var arrivedDescriptor: OwnedDescriptor?
    private var output = OutputQueue()
    private var isFlushPlanned = false
    private var drainWaiters: [(limit: Int, continuation: UnsafeContinuation<Void, Never>)] = []

    /// - Parameters:
    ///   - socket: A connected stream socket of the Unix domain.
    ///   - maximumFrame: The longest message that is accepted, in octets.
    ///   - receive: Gets each message, with the descriptor that came with it; none comes when our table of
    ///     descriptors is full. Runs in a callback of the loop: longer work is spawned.
    ///   - closed: Why there will be no more messages.
    package init(
        adopting socket: consuming OwnedDescriptor, name: String, maximumFrame: Int = 1 << 20,
        receive: @escaping Receiver, closed: @escaping @EventLoopActor (LinkFailure) -> Void
    ) {
        let raw = socket.raw
        // The kernel refuses only what is not open, and an owned descriptor is.
        do { try socket.setNonBlocking() } catch { preconditionFailure("a link needs an open socket: \(error)") }
        self.name = name
        self.receive = receive
        self.closed = closed
        self.socket = consume socket
        reader = FrameReader(maximumFrame: maximumFrame)
        watch = DescriptorWatch(
            raw, readable: { [unowned self] in readBatch() }, writable: { [unowned self] in flushNow() })
        watch?.isReading = true
    }

    /// Whether messages can still be sent.
    package var isOpen: Bool { socket != nil }

    // MARK: Sending

    /// Queues a message; on a closed link it goes nowhere.
    package func send(_ message: Outgoing) {
        guard isOpen else { return }
        output.append(message)
        planFlush()
    }

    /// Queues a message with a descriptor, which is closed here once the kernel has it.
    package func send(_ message: Outgoing, descriptor: consuming OwnedDescriptor) {
        guard isOpen else { return }
        output.append(message, descriptor: descriptor)
        planFlush()
    }

    /// Octets that the kernel has not taken yet.
    package var queuedBytes: Int { output.count }

    /// Waits until fewer than `limit` octets are queued, or the link is closed.
    package func drained(below limit: Int) async {
        precondition(limit > 0, "nothing is ever below zero octets")
        guard isOpen, output.count >= limit else { return }
        await withUnsafeContinuation { drainWaiters.append((limit, $0)) }
        // Without its link nobody would wake the waiter.
        withExtendedLifetime(self) {}
    }

    /// Sends what is queued, waiting for the peer up to a second in all: for the last words of a process.
    package func flush() {
        let end = MonotonicInstant.now() + 1
        while isOpen, output.count > 0 {
            flushNow()
            guard isOpen, output.count > 0 else { return }
            let left = (end - .now()).wholeNanoseconds / 1_000_000
            guard left > 0, let raw = socket?.raw else { return }
            var request = pollfd(fd: raw, events: Int16(POLLOUT), revents: 0)
            _ = poll(&request, 1, CInt(left))
        }
    }

    private func planFlush() {
        // While the socket is full, its becoming writable is what sends.
        guard !isFlushPlanned, watch?.isWriting != true else { return }
        isFlushPlanned = true
        afterLoopTurn { [weak self] in
            guard let self else { return }
            isFlushPlanned = false
            flushNow()
        }
    }

    private func flushNow() {
        guard let raw = socket?.raw else { return }
        let failure = output.send(over: raw)
        if let failure {
            // A peer that has gone may have said why before: what it sent is read first, then the end is found.
            guard failure.code == EPIPE || failure.code == ECONNRESET else { return fail(.system(failure)) }
            output = OutputQueue()
        }
        watch?.isWriting = output.count > 0
        resumeDrained()
    }

    private func resumeDrained() {
        guard !drainWaiters.isEmpty else { return }
        let waiters = drainWaiters
        drainWaiters.removeAll()
        for waiter in waiters {
            if isOpen, output.count >= waiter.limit { drainWaiters.append(waiter) } else { waiter.continuation.resume() }
        }
    }

    // MARK: Receiving

    /// Takes up to a buffer's worth of octets and delivers every whole message in them.
    private func readBatch() {
        var room = ReadBuffer.capacity
        while room > 0, let raw = socket?.raw {
            let buffer = UnsafeMutableRawBufferPointer(rebasing: ReadBuffer.shared[..<room])
            let count: Int
            let descriptor: CInt?
            do {
                (count, descriptor) = try LocalSocket.receive(into: buffer, from: raw)
            } catch {
                if error.code == EAGAIN { return }
                return fail(error.code == ECONNRESET ? .peerClosed : .system(error))
            }
            if count == 0 {
                if let descriptor { _ = OwnedDescriptor(adopting: descriptor) }
                return fail(reader.isInsideFrame ? .malformed(.truncated) : .peerClosed)
            }
            reader.append(UnsafeRawBufferPointer(rebasing: ReadBuffer.shared[..<count]))
            deliver(descriptor.map { OwnedDescriptor(adopting: $0) })
            room -= count
            // The kernel stops behind a descriptor; without one a short read means that there is no more.
            if descriptor == nil, count < buffer.count { return }
        }
    }

    /// Delivers the whole frames; the descriptor belongs to the frame with the last octet.
    private func deliver(_ descriptor: consuming OwnedDescriptor?) {
        var descriptor = descriptor
        while isOpen {
            switch reader.nextFrame() {
            case .oversized: return fail(.oversized)
            case .needsMore:
                guard descriptor != nil else { return }
                // Only the first of several for one frame is kept: a peer cannot fill our table with them.
                if arrivedDescriptor == nil { arrivedDescriptor = descriptor.take() }
                return
            case .frame(let bytes):
                let message: Incoming
                do {
                    message = try Incoming(decoding: bytes)
                } catch {
                    return fail(.malformed(error))
                }
                var own = arrivedDescriptor.take()
                if own == nil, !reader.isInsideFrame { own = descriptor.take() }
                receive(message, own.take())
            }
        }
    }

    // MARK: The end

    /// Ends the link: what is queued is not sent, nobody is told.
    package func close() {
        guard isOpen else { return }
        watch = nil
        socket = nil
        arrivedDescriptor = nil
        output = OutputQueue()
        resumeDrained()
    }

    private func fail(_ failure: LinkFailure) {
        guard isOpen else { return }
        close()
        closed(failure)
    }
}
