import Glibc
import Platform

/// Runs `LoopProbe`, the program that checks what a test runner cannot.
package enum Probe {
    /// How a check ended, and what it printed.
    package struct Outcome: Sendable {
        package let status: ExitStatus
        package let output: String
        package var lines: [String] { output.split(separator: "\n").map(String.init) }
    }

    /// The program lies beside the one that runs the tests.
    package static var path: String {
        get throws {
            var room = [CChar](repeating: 0, count: 4096)
            let count = try checked("readlink") { readlink("/proc/self/exe", &room, room.count) }
            let own = String(decoding: room.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            return own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/LoopProbe"
        }
    }

    /// Starts it with some arguments and waits; standard output and error come back together.
    package static func run(
        _ arguments: [String], configure: (inout ChildProcess) -> Void = { _ in }
    ) throws -> Outcome {
        let pair = try LocalSocket.pair()
        // In a sanitized build the search for leaks needs what a confined process gave up.
        var program = ChildProcess(
            path: try path, arguments: ["LoopProbe"] + arguments,
            environment: ["SWIFT_BACKTRACE=enable=no", "ASAN_OPTIONS=detect_leaks=0"])
        configure(&program)
        let child = try program.start(output: pair.second.raw, error: pair.second.raw)
        let first = pair.first
        try pair.second.close()
        let output = try Files.readToEnd(first, limit: 1 << 20)
        return Outcome(status: try ChildProcess.wait(for: child), output: String(decoding: output, as: UTF8.self))
    }
}
