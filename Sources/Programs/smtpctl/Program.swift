import ControlMessages
import Glibc
import JSON
import OfflineStore
import Platform

/// smtpctl(8): one command, one answer.
@main
struct Program {
    /// Seconds the daemon may take for each piece of its answer.
    static let patience = 60

    static func main() {
        // A reader that has seen enough, such as head(1), is no reason to die without a word.
        signal(SIGPIPE, SIG_IGN)
        let given = Array(CommandLine.arguments.dropFirst())
        let words = given.filter { $0 != "--json" }
        let output = Output(asJSON: words.count < given.count)
        if words.isEmpty || words == ["-h"] { usage(status: words.isEmpty ? 1 : 0) }
        let action: Action
        do throws(Commands.Problem) {
            action = try Commands.parse(words, asJSON: output.asJSON)
        } catch {
            switch error {
            case .invalid(let word): Diagnostics.say("smtpctl: invalid command: \(word)")
            case .filter(let problem): Diagnostics.say("smtpctl: \(problem)")
            case .events(let problem): Diagnostics.say("smtpctl: \(problem)")
            case .incomplete(let lines, let meant):
                if let meant { Diagnostics.say("smtpctl: did you mean \(meant)?") }
                Diagnostics.say((["possibilities are:"] + lines.map { "  " + $0 }).joined(separator: "\n"))
            }
            exit(1)
        }
        switch action {
        case .ask(let request, let answer): ask(request, answer, output)
        case .run(let command): run(command, output)
        }
    }

    /// Where the daemon is.
    static var installation: InstallationPaths {
        getenv(InstallationPaths.environmentVariable).map { .rootless(String(cString: $0)) } ?? .system
    }

    private static func ask(_ request: ClientToControl, _ answer: Answer, _ output: Output) -> Never {
        do throws(ControlClientError) {
            var client = try ControlClient(path: installation.controlSocket, timeout: patience)
            var rest: [UInt8] = []
            let last = try client.request(request) { bytes in
                if output.passes(answer) { return output.write(bytes) }
                rest += bytes
                // Lines are converted as they come: a queue may have a million of them.
                if answer == .queue, let end = rest.lastIndex(of: 0x0A) {
                    output.convert(Array(rest[...end]), answer)
                    rest.removeSubrange(...end)
                }
            }
            if last == .end, !output.passes(answer) { output.convert(rest, answer) }
            finish(last, answer, output)
        } catch {
            if case .notRunning = error { StoredQueue(installation: installation, output: output).answer(request, answer) }
            output.fail("smtpctl: \(error)")
        }
    }

    private static func finish(_ last: ControlToClient, _ answer: Answer, _ output: Output) -> Never {
        switch last {
        case .end: exit(0)
        case .done(let count):
            if case .envelopes(let verb) = answer {
                output.say("\(count) \(count == 1 ? "envelope" : "envelopes") \(verb)", .object([verb: .integer(Int64(clamping: count))]))
            } else {
                output.say("command succeeded", .object(["succeeded": .bool(true)]))
            }
            exit(0)
        case .failed(let reason): output.fail("command failed: \(reason)")
        case .refused: output.fail("smtpctl: need root privileges")
        case .submissionReady, .output, .incompatible: output.fail("smtpctl: smtpd answered something that makes no sense")
        }
    }

    private static func run(_ command: LocalCommand, _ output: Output) -> Never {
        switch command {
        case .absent(let reason): output.fail("smtpctl: \(reason)")
        case .monitor: Monitor.run(output)
        case .complete(let shell): Completions.print(for: shell, output)
        case .encrypt(let password, let method): Encryption.run(password, method: method, output)
        case .walkSPF: SPFWalk.run(output)
        case .examine(let sendsProbe): Doctor.run(sendsProbe: sendsProbe, output)
        case .setUp(let wish, let login): Setup.run(wish, login: login, output)
        case .top: Top.run(output)
        case .explain(let file, let words, let asJSON): FileExplanation.run(file, words, asJSON: asJSON, output)
        }
    }

    private static func usage(status: CInt) -> Never {
        Diagnostics.say((["usage: smtpctl [--json] command [argument ...]"] + Commands.synopsis.map { "  " + $0 }).joined(separator: "\n"))
        exit(status)
    }
}
