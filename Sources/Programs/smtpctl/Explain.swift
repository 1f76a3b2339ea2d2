import ControlMessages
import Glibc
import Platform

/// `smtpctl explain [-f file] address|envelope-id [name=value ...]`: how an address would be dealt with, and why.
///
/// Asks the daemon; with `-f`, a program that reads the file instead.
enum Explain {
    /// What the usage shows.
    static let synopsis = "explain [-f <file>] <address>|<envelope-id> [<name>=<value> ...]"

    /// What stands behind `explain`.
    struct Line: Equatable {
        var file: String?
        var asJSON = false
        /// The question.
        var words: [String] = []

        /// Nil when an option lacks its argument, or nothing is asked.
        init?(_ arguments: some Sequence<String>) {
            var rest = Array(arguments)[...]
            while let word = rest.popFirst() {
                switch word {
                case "--json": asJSON = true
                case "-f":
                    guard let path = rest.popFirst() else { return nil }
                    file = path
                default: words.append(word)
                }
            }
            guard !words.isEmpty else { return nil }
        }
    }

    /// Answers and ends.
    static func run(_ arguments: some Sequence<String>, in installation: InstallationPaths, patience: Int) -> Never {
        guard let line = Line(arguments) else { Diagnostics.fail("usage: smtpctl \(synopsis)") }
        if let file = line.file { read(file, line) }
        do throws(ControlClientError) {
            var client = try ControlClient(path: installation.controlSocket, timeout: patience)
            let last = try client.request(.explain(line.words, asJSON: line.asJSON)) { bytes in
                if (try? Files.writeAll(raw: STDOUT_FILENO, bytes)) == nil { exit(1) }
            }
            switch last {
            case .end: exit(0)
            case .failed(let reason): Diagnostics.fail("command failed: \(reason)")
            case .refused: Diagnostics.fail("smtpctl: need root privileges")
            case .done, .submissionReady, .output, .incompatible:
                Diagnostics.fail("smtpctl: smtpd answered something that makes no sense")
            }
        } catch {
            if case .notRunning = error {
                Diagnostics.fail("smtpctl: \(error); with -f FILE a configuration is explained without it")
            }
            Diagnostics.fail("smtpctl: \(error)")
        }
    }

    /// Becomes the program that knows configurations.
    private static func read(_ file: String, _ line: Line) -> Never {
        let program = InstalledPrograms().daemon
        let words = ["smtpd", "-f", file, "-x", line.asJSON ? "explain-json" : "explain", "--"] + line.words
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        arguments.append(nil)
        execv(program, arguments)
        Diagnostics.fail("smtpctl: \(SystemError("exec \(program)"))")
    }
}
