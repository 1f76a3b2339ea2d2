import AgentMessages
import Envelopes
import Glibc
import MailboxDelivery
import Platform

/// The agent that stays: it reads the dispatcher's requests, delivers what has come as one batch, answers,
/// and goes when the socket closes, which is how the dispatcher sends an idle one away.
///
/// One thread, blocking file calls: it delivers for one user, and the more requests wait meanwhile, the
/// bigger the next batch that shares its syncs. Commands run beside it.
struct ResidentAgent: ~Copyable {
    private var socket: AgentSocket
    private let deliverer: BatchDeliverer
    private var commands: [RunningCommand] = []
    /// Received and not begun.
    private var waiting: [Waiting] = []
    private var isOpen = true
    /// The server stops or is gone: no command is begun any more.
    private var isStopping = false

    /// What commands get to end by themselves when the dispatcher is gone without a word, in milliseconds.
    private static let patience: Int64 = 3_000

    /// Commands that run at one time; requests wait while there are more.
    static let maximumCommands = 16

    typealias Waiting = (request: DeliveryRequest, body: SharedDescriptor?)

    private struct RunningCommand {
        let request: UInt64
        let command: CommandDelivery
    }

    /// - Parameters:
    ///   - socket: The dispatcher's, not blocking.
    ///   - host: For names of files.
    ///   - isForMailboxes: Started with the mail group: only mailboxes of the system mail directory are
    ///     delivered to, since with anything else the user could use the group's rights.
    init(socket: consuming OwnedDescriptor, host: String, isForMailboxes: Bool) {
        self.socket = AgentSocket(socket)
        deliverer = BatchDeliverer(host: host, isForMailboxes: isForMailboxes)
    }

    /// Serves until there is nothing left to do.
    mutating func run() throws(SystemError) {
        do throws(AgentFailure) {
            while true {
                try proceedWithCommands()
                try deliverWaiting()
                if !isOpen, commands.isEmpty, waiting.isEmpty { return }
                try wait()
            }
        } catch {
            switch error {
            // The dispatcher has gone and nobody is left to tell: the queue still holds the messages.
            case .system(let error) where error.code == EPIPE || error.code == ECONNRESET: return
            case .system(let error): throw error
            case .malformed(let what): Diagnostics.fail("mail.agent: malformed request: \(what)")
            }
        }
    }

    private mutating func proceedWithCommands() throws(AgentFailure) {
        let now = monotonicMilliseconds()
        var ended: [AgentOutcome] = []
        for running in commands {
            running.command.proceed(now: now)
            if let outcome = running.command.outcome { ended.append(AgentOutcome(request: running.request, outcome: outcome)) }
        }
        guard !ended.isEmpty else { return }
        commands.removeAll { $0.command.outcome != nil }
        try answer(ended)
    }

    private mutating func deliverWaiting() throws(AgentFailure) {
        let batch = takeBatch()
        guard !batch.isEmpty else { return }
        var outcomes: [AgentOutcome] = []
        for result in deliverer.deliver(batch) {
            switch result {
            case .done(let request, let outcome): outcomes.append(AgentOutcome(request: request, outcome: outcome))
            case .started(let request, let command): commands.append(RunningCommand(request: request, command: command))
            }
        }
        try answer(outcomes)
    }

    /// What can be begun now: of the commands as many as may run, the rest keeps waiting.
    private mutating func takeBatch() -> [Waiting] {
        guard !waiting.isEmpty else { return [] }
        var batch: [Waiting] = []
        var kept: [Waiting] = []
        var places = Self.maximumCommands - commands.count
        for entry in waiting {
            if batch.count == Maildir.largestUsefulBatch {
                kept.append(entry)
            } else if case .command = entry.request.method {
                // Not answered, so not begun: the queue has it.
                if isStopping { continue }
                if places > 0 { batch.append(entry) } else { kept.append(entry) }
                places -= 1
            } else {
                batch.append(entry)
            }
        }
        waiting = kept
        return batch
    }

    /// True when some of the waiting requests can be begun without waiting for a command to end.
    private var hasWork: Bool {
        if commands.count < Self.maximumCommands { return !waiting.isEmpty }
        return waiting.contains { if case .command = $0.request.method { false } else { true } }
    }

    private func answer(_ outcomes: [AgentOutcome]) throws(AgentFailure) {
        guard !outcomes.isEmpty else { return }
        do throws(SystemError) { try socket.send(.outcomes(outcomes)) } catch { throw .system(error) }
    }

    /// Waits for a request, a command, or the time of one of them.
    private mutating func wait() throws(AgentFailure) {
        let reads = isOpen && waiting.count < Maildir.largestUsefulBatch
        var interests = reads ? [pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)] : []
        let now = monotonicMilliseconds()
        var wakeTime = Int64.max
        for running in commands {
            interests += running.command.interests
            wakeTime = min(wakeTime, running.command.wakeTime(now: now))
        }
        if hasWork { wakeTime = now }
        let timeout = wakeTime == .max ? -1 : CInt(max(0, min(wakeTime - now, 3_600_000)))
        // Interrupted, the loop looks at everything and comes back.
        guard poll(&interests, nfds_t(interests.count), timeout) > 0, reads, interests[0].revents != 0 else { return }
        try receive()
    }

    /// Takes all that has come, up to a batch: what is read together is synced together.
    private mutating func receive() throws(AgentFailure) {
        while waiting.count < Maildir.largestUsefulBatch {
            switch try socket.receive() {
            case .nothing: return
            case .end:
                isOpen = false
                stop(within: Self.patience)
                return
            case .bytes: try takeMessages()
            }
        }
    }

    private mutating func takeMessages() throws(AgentFailure) {
        while true {
            switch try socket.next() {
            case .needsMore: return
            case .message(.deliver(let request), let body): waiting.append((request, body))
            case .message(.endCommands(let milliseconds), _): stop(within: Int64(milliseconds))
            }
        }
    }

    private mutating func stop(within milliseconds: Int64) {
        isStopping = true
        for running in commands { running.command.endSoon(now: monotonicMilliseconds(), within: milliseconds) }
    }
}
