import EventLoop
import Glibc
import Platform

/// Lets a test runner, which has threads of its own, call what is isolated to the event loop.
///
/// `try await onLoop { ... }` runs the body on a loop that serves on one thread beside the runner's.
package func onLoop<Result: Sendable>(
    _ body: @escaping @EventLoopActor @Sendable () async throws -> Result
) async throws -> Result {
    LoopThread.start
    return try await body()
}

/// The thread of the loop, started once for the whole run.
private enum LoopThread {
    static let start: Void = {
        let ready = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        sem_init(ready, 0, 0)
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { context in
                _ = LoopExecutor.shared
                sem_post(context!.assumingMemoryBound(to: sem_t.self))
                LoopExecutor.shared.run(takingOverProcess: false)
                return nil
            }, ready)
        precondition(result == 0, "the loop's thread does not start")
        sem_wait(ready)
        sem_destroy(ready)
        ready.deallocate()
    }()
}
