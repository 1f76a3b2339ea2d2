import Envelopes
import Glibc
import Platform

/// One run of a user's command with a message on its standard input, as a machine that never blocks: the
/// caller polls the descriptors it names and lets it go on, so several can run beside each other.
///
/// The command line is the operator's or the user's; nothing of the message or its addresses is ever part of
/// it. Standard output and standard error are read, and of them the last line is kept. When the time is up
/// the whole process group is ended. The process must ignore SIGPIPE, for a command may stop reading.
package final class CommandDelivery {
    /// What a run needs to know.
    package struct Request {
        /// For `/bin/sh -c`.
        package var line: String
        /// `NAME=value` each, and nothing else.
        package var environment: [String]
        /// Where it starts; `/` where that cannot be entered.
        package var directory: String
        /// 5.4 grammar: whatever goes wrong is tried again.
        package var everyFailureIsTemporary: Bool

        package init(line: String, environment: [String], directory: String, everyFailureIsTemporary: Bool) {
            self.line = line
            self.environment = environment
            self.directory = directory
            self.everyFailureIsTemporary = everyFailureIsTemporary
        }
    }

    /// How long a command may take, in milliseconds.
    package static let timeLimit: Int64 = 300_000
    /// What it gets to end by itself after SIGTERM, in milliseconds; after a shutdown a part of it.
    private static let grace: Int64 = 5_000
    private static let shutdownGrace: Int64 = 500

    /// Why a command is ended before it ends itself.
    package enum EndReason: Sendable {
        case timeout
        /// The server stops, and would deliver the message once more when it starts.
        case shutdown
    }

    private enum State {
        case running
        /// SIGTERM was sent, SIGKILL follows at the deadline.
        case terminating
        /// SIGKILL was sent.
        case killed
        case ended(DeliveryOutcome)
    }

    private var state = State.running
    private let request: Request
    private let process: pid_t
    private let message: MessageSource
    /// Nil once the message is written, or nobody reads it any more.
    private var input: SharedDescriptor?
    private var chunk: ArraySlice<UInt8> = []
    private var hasReadMessage = false
    /// The message itself could not be read.
    private var readFailure: SystemError?
    /// Nil at its end.
    private var output: SharedDescriptor?
    private var lastLine = LastLine()
    private var deadline: Int64
    private var endReason = EndReason.timeout
    /// How long until the process is looked at again, in milliseconds. Mostly the end of its output says that
    /// it ends; one that closed its output before, or left it to a process in the background, has to be asked.
    private var interval: Int64 = 100

    /// Starts the command.
    ///
    /// - Throws: What hindered it: no process, no descriptor, no shell.
    package init(
        _ request: Request, message: MessageSource, timeLimit: Int64 = CommandDelivery.timeLimit
    ) throws(SystemError) {
        self.request = request
        self.message = message
        let input = try Pipe()
        let output = try Pipe()
        var child = ChildProcess(
            path: "/bin/sh", arguments: ["/bin/sh", "-c", request.line], environment: request.environment)
        child.startsSession = true
        child.openFiles = 1024
        // The shell runs as we do, so what we may enter it may.
        child.directory = access(request.directory, X_OK) == 0 ? request.directory : "/"
        process = try child.start(input: input.reading.raw, output: output.writing.raw, error: output.writing.raw)
        try input.writing.setNonBlocking()
        try output.reading.setNonBlocking()
        self.input = SharedDescriptor(input.intoWriting())
        self.output = SharedDescriptor(output.intoReading())
        deadline = monotonicMilliseconds() + timeLimit
    }

    /// What became of it; nil while it runs.
    package var outcome: DeliveryOutcome? {
        if case .ended(let outcome) = state { outcome } else { nil }
    }

    /// The descriptors to poll, and for what.
    package var interests: [pollfd] {
        var result: [pollfd] = []
        if let input { result.append(pollfd(fd: input.descriptor.raw, events: Int16(POLLOUT), revents: 0)) }
        if let output { result.append(pollfd(fd: output.descriptor.raw, events: Int16(POLLIN), revents: 0)) }
        return result
    }

    /// When to go on at the latest, in milliseconds of the monotonic clock.
    package func wakeTime(now: Int64) -> Int64 { min(deadline, now + interval) }

    /// Gives it so many milliseconds to end by itself, because the server stops.
    package func endSoon(now: Int64, within milliseconds: Int64) {
        guard case .running = state, now + milliseconds < deadline else { return }
        deadline = now + milliseconds
        endReason = .shutdown
    }

    /// Does what can be done without waiting. To be called when a descriptor is ready or it is time.
    package func proceed(now: Int64) {
        if case .ended = state { return }
        writeInput()
        readOutput()
        do throws(SystemError) {
            if let status = try ChildProcess.poll(process) {
                readOutput()
                // What the command had in the background goes too. The number of its group cannot be another's yet:
                // while the group has members it is not given out, and numbers come round only after all others.
                if case .terminating = state { try ChildProcess.signalGroup(process, SIGKILL) }
                state = .ended(outcome(of: status))
                return
            }
            interval = min(100, interval * 2)
            guard now >= deadline else { return }
            switch state {
            case .running:
                try ChildProcess.signalGroup(process, SIGTERM)
                state = .terminating
                deadline = now + (endReason == .shutdown ? Self.shutdownGrace : Self.grace)
            case .terminating:
                try ChildProcess.signalGroup(process, SIGKILL)
                state = .killed
                deadline = .max
            case .killed, .ended:
                break
            }
        } catch {
            state = .ended(DeliveryError.system(error).outcome)
        }
    }

    /// Waits for its end, for callers with nothing else to do.
    package func wait() -> DeliveryOutcome {
        while true {
            let now = monotonicMilliseconds()
            proceed(now: now)
            if let outcome { return outcome }
            var interests = interests
            // Interrupted or not, proceed looks at everything.
            _ = poll(&interests, nfds_t(interests.count), CInt(max(0, min(wakeTime(now: now) - now, 1_000))))
        }
    }

    // MARK: The message

    private func writeInput() {
        while let input {
            if chunk.isEmpty {
                do throws(SystemError) {
                    guard let next = try message.next() else {
                        hasReadMessage = true
                        self.input = nil
                        return
                    }
                    chunk = next[...]
                } catch {
                    // A message cut short must not look whole: the command is ended with it.
                    readFailure = error
                    self.input = nil
                    deadline = 0
                    return
                }
            }
            let raw = input.descriptor.raw
            let count = chunk.withUnsafeBytes { write(raw, $0.baseAddress, $0.count) }
            if count >= 0 {
                chunk = chunk.dropFirst(count)
            } else if errno == EAGAIN {
                return
            } else if errno != EINTR {
                // EPIPE: it does not want the rest, which its end will be judged by.
                self.input = nil
            }
        }
    }

    private func readOutput() {
        while let output {
            do throws(SystemError) {
                let bytes = try output.read(count: 4_096)
                if bytes.isEmpty {
                    self.output = nil
                    interval = 1
                }
                lastLine.append(bytes)
            } catch {
                if error.code != EAGAIN { self.output = nil }
                return
            }
        }
    }

    // MARK: Its end

    private func outcome(of status: ExitStatus) -> DeliveryOutcome {
        if let readFailure { return DeliveryError.system(readFailure).outcome }
        let ended: EndReason? = if case .running = state { nil } else { endReason }
        return commandOutcome(
            status, tookWholeMessage: hasReadMessage, ended: ended, lastLine: lastLine.text,
            everyFailureIsTemporary: request.everyFailureIsTemporary)
    }

    deinit {
        // Nobody waits for the result any more: the command must not stay behind as a zombie or run on.
        if case .ended = state { return }
        try? ChildProcess.signalGroup(process, SIGKILL)
        _ = try? ChildProcess.wait(for: process)
    }
}
