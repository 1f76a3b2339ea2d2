import CLibevent
import Glibc

/// One event of libevent with one owner, freed (and so deleted) when the owner goes away.
///
/// The owner is the object whose address the callback gets, so that the callback never outlives it. The
/// last reference to the owner is dropped on the loop's thread: libevent has no locks here.
struct LoopEvent: ~Copyable {
    private let raw: OpaquePointer

    /// - Parameters:
    ///   - subject: A descriptor, a signal's number, or -1 for a timer.
    ///   - kinds: EV_READ and its like.
    init(_ subject: CInt, _ kinds: CInt, _ callback: @escaping event_callback_fn, _ owner: AnyObject) {
        let base = LoopExecutor.shared.base
        guard let raw = event_new(base, subject, Int16(kinds), callback, Unmanaged.passUnretained(owner).toOpaque()) else {
            fatalError("no memory for an event")
        }
        self.raw = raw
    }

    /// False when the kernel refuses the descriptor, for example a regular file.
    func add() -> Bool { event_add(raw, nil) == 0 }

    /// Arms a timer; the callback comes no earlier than the coarse clock of the kernel says, which may be
    /// some milliseconds early: the callback compares with the precise one.
    func add(after delay: Duration) {
        // One more microsecond for what the division cuts off.
        let microseconds = max(0, delay.wholeNanoseconds / 1_000) + 1
        var time = timeval(tv_sec: Int(microseconds / 1_000_000), tv_usec: Int(microseconds % 1_000_000))
        // Fails without memory only, and then nothing here would ever time out.
        guard event_add(raw, &time) == 0 else { fatalError("no memory for a timer") }
    }

    func delete() { event_del(raw) }

    deinit {
        LoopExecutor.shared.checkIsolated()
        event_free(raw)
    }
}

/// The owner of an event from its callback's context.
@inline(__always)
func owner<Owner: AnyObject>(_ context: UnsafeMutableRawPointer?, as type: Owner.Type) -> Owner {
    // The context is the address that LoopEvent.init was given, and the owner outlives its event.
    Unmanaged<Owner>.fromOpaque(context!).takeUnretainedValue()
}
