// From Swift 6.3 on the runtime asks the current executor to schedule what sleeps, and starts a thread if it
// cannot; before, it asked the hook that compat/ConcurrencyHooks sets. The protocol is not final yet, so only
// compilers that are known to have it in this form see it; a test counts the threads with the others.
#if compiler(>=6.3) && compiler(<6.4)
@_spi(ExperimentalScheduling) import _Concurrency

/// Ends a program that uses `Task.sleep`, whose timer would live on another thread: ``pause(until:)`` is ours.
extension LoopExecutor: SchedulingExecutor {
    /// Traps.
    package func enqueue<C: Clock>(
        _ job: consuming ExecutorJob, after delay: C.Duration, tolerance: C.Duration?, clock: C
    ) { Self.refuseToSleep() }

    /// Traps.
    package func enqueue<C: Clock>(
        _ job: consuming ExecutorJob, at instant: C.Instant, tolerance: C.Duration?, clock: C
    ) { Self.refuseToSleep() }

    private static func refuseToSleep() -> Never {
        fatalError("Task.sleep is not for programs on the event loop: use pause(until:)")
    }
}
#endif
