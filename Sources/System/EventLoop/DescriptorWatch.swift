import CLibevent
import Glibc

/// Calls back whenever a descriptor is ready, for as long as it is asked to: the form without tasks.
///
/// The owner of the descriptor drops the watch before it closes or passes on the descriptor. The closures
/// must not keep the watch alive.
@EventLoopActor package final class DescriptorWatch {
    private let onReadable: @EventLoopActor () -> Void
    private let onWritable: @EventLoopActor () -> Void
    private var readEvent: LoopEvent?
    private var writeEvent: LoopEvent?

    /// Watches for nothing yet: see ``isReading`` and ``isWriting``.
    package init(
        _ descriptor: CInt, readable: @escaping @EventLoopActor () -> Void,
        writable: @escaping @EventLoopActor () -> Void
    ) {
        onReadable = readable
        onWritable = writable
        readEvent = LoopEvent(
            descriptor, EV_READ | EV_PERSIST,
            { _, _, context in onLoop { owner(context, as: DescriptorWatch.self).onReadable() } }, self)
        writeEvent = LoopEvent(
            descriptor, EV_WRITE | EV_PERSIST,
            { _, _, context in onLoop { owner(context, as: DescriptorWatch.self).onWritable() } }, self)
    }

    /// Whether `readable` is called. Off at first.
    package var isReading = false {
        didSet {
            if isReading == oldValue { return }
            if isReading { arm(readEvent) } else { readEvent?.delete() }
        }
    }

    /// Whether `writable` is called. Off at first.
    package var isWriting = false {
        didSet {
            if isWriting == oldValue { return }
            if isWriting { arm(writeEvent) } else { writeEvent?.delete() }
        }
    }

    private func arm(_ event: borrowing LoopEvent?) {
        // Only a descriptor that cannot be polled, or a kernel without memory for it, gets here.
        guard event?.add() == true else { preconditionFailure("the descriptor cannot be watched") }
    }
}
