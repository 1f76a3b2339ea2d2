import EventLoop
import Glibc
import Platform

/// A program on the event loop that the tests run as a process of its own: what it checks cannot be
/// checked inside a test runner, which has threads. The first argument names the check; it prints what
/// the test compares.
@main struct LoopProbe {
    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count >= 2 else { Diagnostics.fail("which check?", code: 64) }
        let rest = Array(arguments.dropFirst(2))
        switch arguments[1] {
        case "threads": onTheLoop { await Threads.check() }
        case "sleep": onTheLoop { try? await Task.sleep(nanoseconds: 1) }
        case "sleep-for": onTheLoop { try? await Task.sleep(for: .milliseconds(1)) }
        case "main-actor": onTheLoop { await MainActor.run {} }
        case "throughput": onTheLoop { await Throughput.check(rest) }
        case "echo": onTheLoop { await Throughput.echo() }
        case "exhausted": onTheLoop { await Exhausted.check() }
        case "turned-away": onTheLoop { await Exhausted.turnAway() }
        case "idle": onTheLoop { await IdleSessions.check(rest) }
        case "confined-loop": onTheLoop { await Confined.loop() }
        case "confined": Confined.check(rest)
        case "title": Processes.title(rest)
        case "inherited": Processes.inherited()
        case "drop": Processes.drop(rest)
        case "acting": Processes.acting(rest)
        case "lock": Processes.lock(rest)
        default: Diagnostics.fail("no check is called \(arguments[1])", code: 64)
        }
    }

    /// Runs the body on the loop, then ends the loop.
    private static func onTheLoop(_ body: sending @escaping @EventLoopActor () async -> Void) {
        _ = LoopExecutor.shared
        spawn {
            await body()
            LoopExecutor.shared.stop()
        }
        LoopExecutor.shared.run()
    }

    static func report(_ text: String) {
        do { try Files.writeAll(raw: STDOUT_FILENO, Array("\(text)\n".utf8)) } catch { Diagnostics.fail("\(error)") }
    }
}
