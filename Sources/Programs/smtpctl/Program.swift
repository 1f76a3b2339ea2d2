import ControlMessages
import Glibc
import OfflineStore
import Platform

/// smtpctl(8): one command, one answer.
@main
struct Program {
    /// Seconds the daemon may take for each piece of its answer.
    private static let patience = 60

    static func main() {
        // A reader that has seen enough, such as head(1), is no reason to die without a word.
        signal(SIGPIPE, SIG_IGN)
        let words = Array(CommandLine.arguments.dropFirst())
        if words.isEmpty || words == ["-h"] { usage(status: words.isEmpty ? 1 : 0) }
        let directory = getenv(InstallationPaths.environmentVariable).map { String(cString: $0) }
        let installation = directory.map(InstallationPaths.rootless) ?? .system
        if words.first == "explain" { Explain.run(words.dropFirst(), in: installation, patience: patience) }
        let request: ClientToControl
        let answer: Commands.Answer
        do throws(Commands.Problem) {
            (request, answer) = try Commands.parse(words)
        } catch {
            switch error {
            case .invalid(let word): Diagnostics.say("smtpctl: invalid command: \(word)")
            case .incomplete(let lines, let meant):
                if let meant { Diagnostics.say("smtpctl: did you mean \(meant)?") }
                Diagnostics.say((["possibilities are:"] + lines.map { "  " + $0 }).joined(separator: "\n"))
            }
            exit(1)
        }
        do throws(ControlClientError) {
            var client = try ControlClient(path: installation.controlSocket, timeout: patience)
            let last = try client.request(request) { bytes in
                if (try? Files.writeAll(raw: STDOUT_FILENO, bytes)) == nil { exit(1) }
            }
            finish(last, answer, request)
        } catch {
            if case .notRunning = error, case .showQueue(let message) = request {
                showStoredQueue(of: message, in: installation)
            }
            if case .notRunning = error { StoredSpool.answer(request, in: installation) }
            Diagnostics.fail("smtpctl: \(error)")
        }
    }

    private static func finish(_ last: ControlToClient, _ answer: Commands.Answer, _ request: ClientToControl) -> Never {
        switch last {
        case .end: exit(0)
        case .done(let count):
            switch answer {
            case .plain: say("command succeeded")
            case .envelopes(let verb): say("\(count) \(count == 1 ? "envelope" : "envelopes") \(verb)")
            }
            exit(0)
        case .failed(let reason): Diagnostics.fail("command failed: \(reason)")
        case .refused: Diagnostics.fail("smtpctl: need root privileges")
        case .submissionReady, .output, .incompatible: Diagnostics.fail("smtpctl: smtpd answered something that makes no sense")
        }
    }

    private static func say(_ text: String) {
        // A closed standard output changes nothing about what was done.
        try? Files.writeAll(raw: STDOUT_FILENO, Array((text + "\n").utf8))
    }

    private static func usage(status: CInt) -> Never {
        Diagnostics.say((["usage: smtpctl command [argument ...]"] + (Commands.synopsis + [Explain.synopsis]).sorted().map { "  " + $0 }).joined(separator: "\n"))
        exit(status)
    }
}
