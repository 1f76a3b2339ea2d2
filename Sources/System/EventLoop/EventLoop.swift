/// One thread, one libevent loop, and Swift's concurrency running on it.
///
/// All state of a program lives on ``EventLoopActor``; its executor, ``LoopExecutor``, runs jobs and
/// libevent's callbacks in turn on the thread that calls ``LoopExecutor/run(takingOverProcess:)``. Knows
/// descriptors and time; does not know what the bytes mean. Start reading at ``LoopExecutor``, then
/// ``Readiness`` and ``ByteStream``.
@globalActor package actor EventLoopActor {
    package static let shared = EventLoopActor()
    /// The loop.
    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        LoopExecutor.shared.asUnownedSerialExecutor()
    }
}

/// Starts a task on the loop; the only way to start one.
///
/// The task and its children stay on the loop's thread. It begins after the current job, not within it.
@discardableResult
package func spawn(_ body: sending @escaping @EventLoopActor () async -> Void) -> Task<Void, Never> {
    Task(executorPreference: LoopExecutor.shared, operation: body)
}

/// Runs `body` once at the end of the current turn, after every callback and job that is ready now.
///
/// For work that is cheaper done once for many: sending output, committing a group. What `body` itself
/// asks for with this function runs at the end of the next turn.
@EventLoopActor package func afterLoopTurn(_ body: @escaping @EventLoopActor () -> Void) {
    LoopExecutor.shared.addTurnEnd(body)
}

/// Waits until the moment has come; the loop's replacement of `Task.sleep`.
@EventLoopActor package func pause(until moment: MonotonicInstant) async {
    var timer: LoopTimer?
    await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
        let created = LoopTimer { continuation.resume() }
        created.schedule(at: moment)
        timer = created
    }
    // The timer has fired; until here it had to live.
    withExtendedLifetime(timer) {}
}

/// Enters the actor from a callback of libevent, which runs on the loop's thread and is no Swift job.
@inline(__always)
func onLoop(_ body: @EventLoopActor () -> Void) {
    LoopExecutor.shared.checkIsolated()
    withoutActuallyEscaping(body) { isolated in
        // Dropping the actor from the type is right because the line above has proved that we are on its
        // executor; the representation of the closure is the same.
        unsafeBitCast(isolated, to: (() -> Void).self)()
    }
}
