import EventLoop
import Log
import Platform
import ProcessMessages
import RoleProcess
import SMTPProtocol

/// What goes over the connection.
extension SMTPSession {
    /// Octets of replies that are gathered while there are more commands.
    static let maximumReplies = 1 << 10

    /// Sends the gathered replies as far as the kernel takes them at once; false when some are left.
    func flushAtOnce() -> Bool {
        guard !output.isEmpty else { return true }
        let count = output.count
        switch stream.tryWrite(&output) {
        case .written:
            traceIO("wrote \(count) octets")
            return true
        case .full:
            traceIO("wrote \(count - output.count) octets, the client is to take \(output.count) more")
            return false
        case .failed(let error):
            traceIO("write failed: \(error)")
            output = []
            machine.connectionLost()
            return true
        }
    }

    /// Sends the gathered replies; on failure the machine knows that the client is gone.
    func flush() async {
        guard !output.isEmpty else { return }
        let bytes = output
        output = []
        let result = await stream.write(bytes, deadline: .now() + idle)
        traceIO(result.traced(bytes.count))
        switch result {
        case .written: break
        case .timedOut, .failed: machine.connectionLost()
        }
    }

    func awaitInput() {
        stream.whenReadable(deadline: patience()) { [self] in inputAwaited($0) }
    }

    /// Until when the client may take its time: from its last whole command, or its last good piece of a message.
    private func patience() -> MonotonicInstant {
        if let waitedSince, waitedSince.progress == machine.progress { return waitedSince.deadline }
        let deadline = MonotonicInstant.now() + idle
        waitedSince = (machine.progress, deadline)
        return deadline
    }

    private func inputAwaited(_ result: WaitResult) {
        switch result {
        case .ready:
            let read = stream.tryRead()
            traceIO(read?.traced ?? "nothing to read yet")
            switch read {
            case .bytes(let bytes): machine.receive(bytes.span)
            case nil: return awaitInput()
            case .end, .timedOut, .failed: machine.connectionLost()
            }
        case .timedOut:
            traceIO(isEnding ? "its wait for the client is over: the server stops" : "the client said nothing in time")
            if isEnding { machine.shutDown() } else { machine.timedOut() }
        case .closed:
            if isEnding { machine.shutDown() } else { machine.connectionLost() }
        }
        proceed()
    }

    func logFailures() {
        for failure in machine.takeFailedCommands() {
            log.info("\(id) smtp failed-command command=\(LogText.value(failure.command)) result=\(LogText.value(failure.reply.text))")
        }
    }
}
