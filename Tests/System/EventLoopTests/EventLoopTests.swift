import Glibc
import LoopTesting
import Platform
import Testing

@testable import EventLoop

@Suite("One thread, and it is the loop's") struct OneThreadTests {
    @Test func `child tasks, groups, streams, plain and detached tasks start no second thread`() throws {
        let outcome = try Probe.run(["threads"])
        #expect(outcome.lines == ["results 25 385 45 25 6", "threads 1"])
        #expect(outcome.status == .exited(0))
    }

    @Test(arguments: ["sleep", "sleep-for", "main-actor"])
    func `what would need another thread ends the program and says why`(_ check: String) throws {
        let outcome = try Probe.run([check])
        #expect(!outcome.status.isSuccess)
        #expect(outcome.output.contains("programs on the event loop"))
    }

    @Test func `spawned work and isolated calls run on the same thread`() async throws {
        let threads = try await onLoop {
            let own = pthread_self()
            var other = pthread_t()
            await spawn { other = pthread_self() }.value
            return [own, other]
        }
        #expect(pthread_equal(threads[0], threads[1]) != 0)
    }

    @Test func `work left for the end of the turn follows every job that is ready`() async throws {
        let order = try await onLoop {
            let log = Log()
            afterLoopTurn { log.add("end") }
            spawn {
                log.add("first")
                await Task.yield()
                log.add("second")
            }
            log.add("now")
            await pause(until: .now() + .milliseconds(1))
            return log.entries
        }
        #expect(order == ["now", "first", "second", "end"])
    }
}

@Suite("Time") struct TimeTests {
    @Test func `a timer fires once and not early`() async throws {
        let (count, waited) = try await onLoop {
            let log = Log()
            let timer = LoopTimer { log.add("fired") }
            let start = MonotonicInstant.now()
            timer.schedule(after: .milliseconds(10))
            while log.entries.isEmpty { await pause(until: .now() + .milliseconds(1)) }
            let waited = MonotonicInstant.now() - start
            await pause(until: .now() + .milliseconds(15))
            return (log.entries.count, waited)
        }
        #expect(count == 1)
        #expect(waited >= .milliseconds(10))
    }

    @Test func `a cancelled or dropped timer does not fire, a new time replaces the old`() async throws {
        let entries = try await onLoop {
            let log = Log()
            let cancelled = LoopTimer { log.add("cancelled") }
            cancelled.schedule(after: .milliseconds(1))
            cancelled.cancel()
            var dropped: LoopTimer? = LoopTimer { log.add("dropped") }
            dropped?.schedule(after: .milliseconds(1))
            dropped = nil
            let moved = LoopTimer { log.add("moved") }
            moved.schedule(after: .seconds(100))
            moved.schedule(after: .milliseconds(2))
            #expect(moved.isScheduled)
            await pause(until: .now() + .milliseconds(20))
            #expect(!moved.isScheduled && !cancelled.isScheduled)
            return log.entries
        }
        #expect(entries == ["moved"])
    }

    @Test func `a moment in the past does not wait`() async throws {
        try await onLoop { await pause(until: .now() + .seconds(-5)) }
    }

    @Test func `instants saturate instead of overflowing`() {
        let late = MonotonicInstant(nanoseconds: .max - 5)
        #expect((late + 1).nanoseconds == .max)
        #expect((late + .nanoseconds(5)).nanoseconds == .max)
        #expect((late + .nanoseconds(4)).nanoseconds == .max - 1)
        #expect((MonotonicInstant(nanoseconds: .min + 5) + .seconds(-1)).nanoseconds == .min)
        #expect(Duration.seconds(Int64.max).wholeNanoseconds == .max)
        #expect(MonotonicInstant.now() + 1 - .now() > .milliseconds(900))
    }

    @Test func `a signal calls back in the loop`() async throws {
        let entries = try await onLoop {
            let log = Log()
            let watch = SignalWatch(SIGUSR2) { log.add("signal") }
            kill(getpid(), SIGUSR2)
            for _ in 0..<200 where log.entries.isEmpty { await pause(until: .now() + .milliseconds(5)) }
            withExtendedLifetime(watch) {}
            return log.entries
        }
        #expect(entries == ["signal"])
    }
}

@Suite("The loop is used as it is meant to be") struct LoopUseTests {
    /// A program on the loop that sleeps on the runtime's clock, starts free tasks or names the main actor
    /// is wrong; the compiler does not say so.
    @Test func `no source of the server goes around the loop`() throws {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
        var files: [String] = []
        for folder in ["Sources", "compat"] { try collect("\(root)/\(folder)", into: &files) }
        #expect(files.count > 20)
        for file in files {
            let text = String(decoding: try Files.read(file), as: UTF8.self)
            for line in text.split(separator: "\n") where !line.drop(while: { $0 == " " }).hasPrefix("//") {
                let isForeign = line == "import Foundation" || line == "import Dispatch"
                for word in ["Task.sleep(", "Task.detached", "DispatchQueue", "@MainActor", "MainActor.run"]
                where isForeign || line.contains(word) {
                    Issue.record("\(file): \(line)")
                }
            }
        }
    }

    private func collect(_ path: String, into files: inout [String]) throws {
        for name in try Files.list(path) {
            let full = "\(path)/\(name)"
            if try Files.status(full)?.isDirectory == true {
                try collect(full, into: &files)
            } else if name.hasSuffix(".swift") {
                files.append(full)
            }
        }
    }
}

/// What happened, in order.
@EventLoopActor final class Log {
    private(set) var entries: [String] = []
    func add(_ entry: String) { entries.append(entry) }
}
