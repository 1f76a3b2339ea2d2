import Glibc
import Platform

/// Another mail server's program from a Debian package that was unpacked for the tests and is not installed.
package final class Peer {
    /// What the package's files lie below.
    package let root: String
    private var process: pid_t?

    /// Unpacks packages at the first use; later runs find them.
    ///
    /// - Throws: What `packaging/peers` says when it cannot.
    package init(_ package: String) throws {
        let directory = "/var/tmp/martlet-peers.\(getuid())"
        let here = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        let run = try Programs.run("/\(here)/packaging/peers", [directory, package], environment: ["HOME=/nonexistent"], identity: nil)
        guard run.code == 0 else { throw ServerFailure("packaging/peers \(package): \(run.error)") }
        root = "\(directory)/\(package)"
    }

    deinit { stop() }

    /// Where its own libraries are, for LD_LIBRARY_PATH.
    package var libraries: String {
        let places = ["usr/lib", "lib"].flatMap { place in
            ((try? Files.list("\(root)/\(place)")) ?? []).filter { $0.hasSuffix("-linux-gnu") }.map { "\(root)/\(place)/\($0)" }
        }
        return (["postfix", "dovecot"].map { "\(root)/usr/lib/\($0)" } + places).joined(separator: ":")
    }

    /// Starts one of its programs, which stays in the foreground.
    ///
    /// - Parameter log: For what it says.
    package func start(_ path: String, _ words: [String], log: String) throws {
        let file = try Files.open(log, O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        var program = ChildProcess(
            path: "\(root)/\(path)", arguments: ["\(root)/\(path)"] + words,
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LD_LIBRARY_PATH=\(libraries)"])
        program.startsSession = true
        program.directory = "/"
        process = try program.start(output: file.raw, error: file.raw)
    }

    /// Starts a program that knows where it is installed: it sees its package's files in place of the machine's, in a
    /// mount namespace of its own.
    ///
    /// - Parameters:
    ///   - setup: Commands of the shell before, in that namespace.
    ///   - command: The program with its words, for the shell.
    package func startInPlace(setup: String = "", _ command: String, log: String) throws {
        let file = try Files.open(log, O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        let script = "set -e; mount -t overlay peer -o lowerdir=\(root)/usr:/usr /usr\n\(setup)\nexec \(command)"
        var program = ChildProcess(
            path: "/usr/bin/unshare", arguments: ["unshare", "-m", "sh", "-c", script],
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
        program.startsSession = true
        program.directory = "/"
        process = try program.start(output: file.raw, error: file.raw)
    }

    /// Whether there can be such namespaces: not for ordinary users, nor in every container.
    package static let canStartInPlace: Bool = {
        let words = ["-m", "sh", "-c", "mount -t overlay try -o lowerdir=/usr/bin:/usr/sbin /usr/sbin"]
        return getuid() == 0
            && (try? Programs.run("/usr/bin/unshare", words, environment: [], identity: nil).code) == 0
    }()

    /// Ends it with all that it has started.
    package func stop() {
        guard let process else { return }
        self.process = nil
        // Servers end their children; what is left goes with the group.
        kill(process, SIGTERM)
        let deadline = monotonicSeconds() + 5
        while (try? ChildProcess.poll(process)) ?? nil == nil, monotonicSeconds() < deadline { usleep(2_000) }
        kill(-process, SIGKILL)
        _ = try? ChildProcess.wait(for: process)
    }

    /// Somebody takes connections there.
    package static func isListening(_ port: UInt16) -> Bool { (try? SMTPClient(port: port, timeout: 1)) != nil }
}

/// Postfix's test server, which fails as its switches say.
package final class SMTPSink {
    package let port: UInt16
    private let peer: Peer
    private let scratch: Scratch

    package init(_ switches: [String]) throws {
        peer = try Peer("postfix")
        scratch = try Scratch()
        port = try Server.freePort()
        // It does not run as root, and must be able to store what it takes.
        try scratch.makeDirectory("mail", mode: 0o777)
        try peer.start(
            "usr/sbin/smtp-sink", (getuid() == 0 ? ["-u", "nobody"] : []) + switches + ["-d", "\(scratch.path)/mail/%M."] + ["127.0.0.1:\(port)", "100"],
            log: "\(scratch.path)/log")
    }

    package var isReady: Bool { Peer.isListening(port) }
    /// The messages it has taken.
    package var messages: [String] {
        ((try? Files.list("\(scratch.path)/mail")) ?? []).compactMap { scratch.text("mail/\($0)") }
    }
}
