import CConcurrencyHooks
import CLibevent
import CPlatform
import Glibc
import Synchronization

/// Runs Swift's jobs and libevent's callbacks on one thread.
///
/// It belongs to the thread that touches ``shared`` first, which is the one that must call
/// ``run(takingOverProcess:)``. A serial executor alone is not enough for one thread: the runtime sends
/// many resumptions to the global executor. Therefore this is a task executor as well, and ``run`` points
/// the global executor here.
///
/// A turn is: the callbacks of what libevent reports, the jobs these made ready, then what was left with
/// ``afterLoopTurn(_:)``.
// @unchecked: everything mutable is touched on the owning thread only, which `accept` distinguishes and
// `checkIsolated` proves, except `remote` and `stopRequested`, which are safe themselves.
package final class LoopExecutor: SerialExecutor, TaskExecutor, @unchecked Sendable {
    /// The only one of the process.
    package static let shared = LoopExecutor()

    /// Rounds of jobs before libevent is asked again, so that jobs that make jobs cannot starve the descriptors.
    private static let maximumRounds = 64

    let base: OpaquePointer
    private let owner: pthread_t
    private var queue: [UnownedJob] = []
    private var running: [UnownedJob] = []
    private var turnEnds: [@EventLoopActor () -> Void] = []

    private let remote = Mutex<[UnownedJob]>([])
    private let wakeDescriptor: CInt
    private var wakeEvent: OpaquePointer?
    private let stopRequested = Atomic<Bool>(false)

    private init() {
        owner = pthread_self()
        // Writing to a peer that has gone is an error to handle, not a reason to die.
        signal(SIGPIPE, SIG_IGN)
        event_set_log_callback { severity, text in
            // What libevent finds worth a warning it also reports as a failed call.
            guard severity >= EVENT_LOG_ERR, let text else { return }
            _ = write(STDERR_FILENO, text, strlen(text))
            _ = write(STDERR_FILENO, "\n", 1)
        }
        guard let configuration = event_config_new() else { fatalError("no memory for the event loop") }
        // One thread needs no locks, and the environment of a daemon should not choose its poll function.
        event_config_set_flag(configuration, CInt(EVENT_BASE_FLAG_NOLOCK.rawValue | EVENT_BASE_FLAG_IGNORE_ENV.rawValue))
        guard let base = event_base_new_with_config(configuration) else {
            fatalError("the event loop cannot start: \(String(cString: strerror(errno)))")
        }
        event_config_free(configuration)
        self.base = base
        wakeDescriptor = martlet_eventfd()
        guard wakeDescriptor >= 0 else { fatalError("eventfd: \(String(cString: strerror(errno)))") }
        wakeEvent = event_new(
            base, wakeDescriptor, Int16(EV_READ | EV_PERSIST), { _, _, _ in LoopExecutor.shared.takeRemoteJobs() }, nil)
        guard let wakeEvent, event_add(wakeEvent, nil) == 0 else { fatalError("the event loop cannot be woken") }
    }

    // MARK: Executor

    /// Takes a job from any thread; it runs on the loop's.
    package func enqueue(_ job: consuming ExecutorJob) { accept(UnownedJob(job)) }

    private func accept(_ job: UnownedJob) {
        if isOwner {
            queue.append(job)
        } else {
            remote.withLock { $0.append(job) }
            wake()
        }
    }

    private var isOwner: Bool { pthread_equal(pthread_self(), owner) != 0 }

    /// Traps on any thread but the loop's.
    package func checkIsolated() { precondition(isOwner, "this must run on the event loop's thread") }

    /// Whether this is the loop's thread.
    package func isIsolatingCurrentContext() -> Bool? { isOwner }

    // MARK: Running

    /// Runs until ``stop()``; to be called once, by the owning thread.
    ///
    /// - Parameter takingOverProcess: Whether jobs without an executor come here too, so that no second
    ///   thread appears. Only a process whose other concurrency needs the global executor, such as a test
    ///   runner, says no.
    package func run(takingOverProcess: Bool = true) {
        checkIsolated()
        if takingOverProcess {
            martlet_hook_global_executor { pointer in
                // The runtime hands out a job it owns; UnownedJob is that pointer.
                LoopExecutor.shared.accept(unsafeBitCast(pointer, to: UnownedJob.self))
            }
        }
        while true {
            runJobs()
            runTurnEnds()
            if stopRequested.load(ordering: .acquiring) { return }
            let idle = queue.isEmpty && turnEnds.isEmpty
            guard event_base_loop(base, idle ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK) >= 0 else {
                fatalError("event_base_loop: \(String(cString: strerror(errno)))")
            }
        }
    }

    /// Makes ``run(takingOverProcess:)`` return after the current turn. From any thread.
    package nonisolated func stop() {
        stopRequested.store(true, ordering: .releasing)
        wake()
    }

    func addTurnEnd(_ body: @escaping @EventLoopActor () -> Void) { turnEnds.append(body) }

    private func runJobs() {
        var rounds = 0
        while !queue.isEmpty, rounds < Self.maximumRounds {
            rounds += 1
            swap(&queue, &running)
            for job in running {
                job.runSynchronously(isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
            }
            running.removeAll(keepingCapacity: true)
        }
    }

    private func runTurnEnds() {
        guard !turnEnds.isEmpty else { return }
        let bodies = turnEnds
        turnEnds.removeAll(keepingCapacity: false)
        onLoop { for body in bodies { body() } }
    }

    // MARK: Other threads

    private func wake() {
        var one: UInt64 = 1
        // A full counter (EAGAIN) wakes as well.
        _ = write(wakeDescriptor, &one, MemoryLayout<UInt64>.size)
    }

    private func takeRemoteJobs() {
        var count: UInt64 = 0
        _ = read(wakeDescriptor, &count, MemoryLayout<UInt64>.size)
        queue += remote.withLock { jobs in
            defer { jobs.removeAll() }
            return jobs
        }
    }
}
