import Configuration
import Envelopes
import EventLoop
import Filters
import Interprocess
import Log
import MailSyntax
import Platform
import ProcessMessages
import RoleProcess
import SMTPProtocol
import TLS

/// One SMTP client: reads, feeds the machine, carries out what it says.
///
/// The protocol is ``ServerSession``'s. This is where its questions go to other processes, and where the
/// replies of pipelined commands are gathered into one write. A question is a task, in straight lines; while
/// the session waits for its client there is no task, so that one of ten thousand idle ones costs little.
@EventLoopActor
final class SMTPSession {
    let stream: SecurableStream
    let dispatcher: DispatcherProcess
    let client: ClientIdentity
    /// Names the session in the log.
    let id: String
    /// Nil on listeners without.
    private let authentication: ClientAuthentication?
    /// Nil on a listener in clear.
    private let tls: TLSServerContext?
    /// TLS from the first octet on.
    let isImplicit: Bool
    /// Nil on a listener without.
    let filters: SessionFilters?
    var machine: ServerSession
    private let idle: Duration
    private var output: [UInt8] = []
    private(set) var isEnding = false
    /// What the machine had done when the wait for the client began, and how long that lasts.
    private var waitedSince: (progress: UInt64, deadline: MonotonicInstant)?

    // The transaction under way.
    var transaction: Transaction?
    var drafts: [EnvelopeDraft] = []
    private var recipients = 0
    private(set) var transfer: UInt64?
    /// Where the content of the message goes that filters transform.
    var content: FilteredMessagePath?

    init(
        stream: SecurableStream, dispatcher: DispatcherProcess, settings: ServerSettings, client: ClientIdentity,
        authentication: ClientAuthentication?, id: String, tls: TLSServerContext?, isImplicit: Bool, filters: SessionFilters? = nil
    ) {
        self.filters = filters
        self.tls = tls
        self.isImplicit = isImplicit
        self.stream = stream
        self.dispatcher = dispatcher
        self.client = client
        self.authentication = authentication
        self.id = id
        machine = ServerSession(settings: settings, client: client)
        idle = .seconds(settings.limits.idleSeconds)
    }

    var log: Logger { dispatcher.context.log }

    /// What its connection does, for `trace io`.
    func traceIO(_ text: @autoclosure () -> String) { log.trace(TraceSubjects.io, "\(id) \(text())") }

    /// Greets, and talks until one side has had enough; then ``DispatcherProcess/ended(_:of:)`` is called.
    func start() {
        guard let filters else { return begin() }
        spawn { [self] in
            await filters.prepare()
            reportConnection()
            begin()
        }
    }

    private func begin() {
        if isImplicit {
            return wait { session in
                // Whoever speaks before the greeting cannot be told from a quick client behind a handshake.
                if let channel = await session.secure() {
                    session.machine.connected(over: channel)
                } else {
                    session.machine.tlsFailed()
                }
            }
        }
        if case .network = client.source, Sockets.hasInput(stream.rawDescriptor) {
            machine.clientSpokeFirst()
        } else {
            machine.connected()
        }
        proceed()
    }

    /// The server stops: the client hears 421 at the next moment that it waits for a command.
    func end() {
        isEnding = true
        stream.interruptReading()
    }

    /// Carries out what the machine says, up to the first step that has to wait for somebody.
    private func proceed() {
        while true {
            switch machine.next() {
            case .needsInput:
                guard flushAtOnce() else { return wait { await $0.flush() } }
                logFailures()
                guard isEnding else { return awaitInput() }
                machine.shutDown()
            case .reply(let reply):
                log.trace(TraceSubjects.smtp, "\(id) \(LogText.value(reply.text))")
                output += reply.bytes
                report(reply)
                // A client that is gone, or does not read, is not to have all that it sent carried out.
                guard output.count < Self.maximumReplies || flushAtOnce() else { return wait { await $0.flush() } }
            case .authenticate(let message):
                guard let authentication else { dispatcher.context.fail("AUTH was offered without passwords") }
                return wait {
                    let answer = await authentication.answer(message)
                    $0.report(answer, claimed: authentication.claimedUser)
                    $0.machine.authenticationAnswered(answer)
                }
            case .abandonAuthentication:
                authentication?.abandon()
            case .checkSender(let transaction):
                self.transaction = transaction
                filters?.facts.sender = transaction.sender
                if filters?.wantsMessageID == true { return wait { await $0.openTransaction(transaction) } }
                guard let authentication else {
                    machine.senderChecked(.accept)
                    continue
                }
                return wait { $0.machine.senderChecked(await authentication.verdict(on: transaction)) }
            case .checkRecipient(let request):
                return wait { await $0.check(request) }
            case .beginMessage:
                return wait { session in
                    await session.flush()
                    await session.open()
                }
            case .messageBytes(let bytes):
                store(bytes)
                guard let queue = dispatcher.queue, queue.queuedBytes >= Self.maximumQueued else { continue }
                traceIO("reads nothing until the queue has taken some of \(queue.queuedBytes) octets")
                return wait { _ in await queue.drained(below: Self.maximumQueued) }
            case .filterContent(let bytes):
                guard let chain = content?.chain else { continue }
                chain.receive(bytes)
                guard chain.isCongested else { continue }
                traceIO("reads nothing until the filters have taken some")
                return wait { _ in await chain.ready() }
            case .finishContent:
                return wait { $0.machine.contentFiltered(await $0.finishContent()) }
            case .consult(let question):
                guard let filters, filters.wants(question.phase) else {
                    machine.filtersAnswered(.proceed)
                    continue
                }
                return filters.ask(question) { [self] verdict in
                    machine.filtersAnswered(verdict)
                    proceed()
                }
            case .event(let event):
                report(event)
            case .commitMessage(let size):
                return wait { await $0.commit(size: size) }
            case .rollbackMessage:
                rollback()
            case .startTLS:
                return wait { session in
                    await session.flush()
                    if let channel = await session.secure() {
                        session.machine.tlsStarted(over: channel)
                    } else {
                        session.machine.tlsFailed()
                    }
                }
            case .close(let reason):
                logFailures()
                guard flushAtOnce() else { return wait { await $0.flush() } }
                traceIO("closed: \(reason.text)")
                stream.close()
                filters?.sessionEnded()
                log.info("\(id) smtp disconnected reason=\(LogText.value(reason.text))")
                return dispatcher.ended(self, of: client)
            }
        }
    }

    /// Goes on when `work` is done.
    private func wait(for work: sending @escaping @EventLoopActor (SMTPSession) async -> Void) {
        spawn { [self] in
            await work(self)
            proceed()
        }
    }

    private func secure() async -> ChannelSecurity? {
        guard let tls else { dispatcher.context.fail("TLS was offered without certificates") }
        let channel = await shakeHands(with: tls)
        if let channel { report(channel) }
        return channel
    }

    // MARK: Bytes

    /// Octets of replies that are gathered while there are more commands.
    private static let maximumReplies = 1 << 10

    /// Sends the gathered replies as far as the kernel takes them at once; false when some are left.
    private func flushAtOnce() -> Bool {
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
    private func flush() async {
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

    private func awaitInput() {
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

    private func logFailures() {
        for failure in machine.takeFailedCommands() {
            log.info("\(id) smtp failed-command command=\(LogText.value(failure.command)) result=\(LogText.value(failure.reply.text))")
        }
    }

    // MARK: Transaction

    /// Who may send, for the listener's `senders`.
    func senderVerdict(_ transaction: Transaction) async -> Verdict {
        await authentication?.verdict(on: transaction) ?? .accept
    }

    private func check(_ request: RecipientRequest) async {
        guard let transaction else { preconditionFailure("a recipient without a transaction") }
        let question = dispatcher.expansions.next()
        dispatcher.lookup?.send(.expand(request: question, recipient: request.address, transaction: transaction))
        switch await dispatcher.expansions.answer(question) {
        case .accepted(let found, let trace):
            log.debug("\(id) smtp recipient=<\(request.address.text)> \(trace)")
            for draft in found {
                var draft = draft
                draft.notify = request.notify
                draft.originalRecipient = request.originalRecipient
                drafts.append(draft)
            }
            recipients += 1
            if transfer == nil { beginTransfer() }
            report(request, .accepted)
            machine.recipientChecked(.accept)
        case .refused(let reply, let trace):
            log.info(
                "\(id) smtp refused-recipient from=<\(transaction.sender.text)> to=<\(request.address.text)> \(trace)")
            report(request, ReportEvent.Outcome(reply))
            machine.recipientChecked(.refuse(reply))
        case nil:
            report(request, .unavailable)
            machine.recipientChecked(.refuse(Reply(451, "4.3.0", "Temporary failure")))
        }
    }

    /// Asks the queue for a message as soon as there is a recipient: the answer comes while the client still
    /// talks, and does not keep it waiting at DATA.
    private func beginTransfer() {
        let transfer = dispatcher.transfers.next()
        self.transfer = transfer
        dispatcher.queue?.send(.begin(transfer: transfer))
    }

    /// Has the queue give the message its id at once, for filters are told it with the sender.
    func beginNamedTransfer() async -> Result<MessageID, TransferRefused> {
        beginTransfer()
        return await opening()
    }

    private func opening() async -> Result<MessageID, TransferRefused> {
        if let messageID { return .success(messageID) }
        guard let transfer else { preconditionFailure("a message without a recipient") }
        let result = await dispatcher.transfers.opening(transfer)
        switch result {
        case .success(let id): messageID = id
        case .failure: self.transfer = nil
        }
        return result
    }

    private func open() async {
        switch await opening() {
        case .success(let id):
            var opened = OpenedMessage(
                identifier: id.description, date: MailDate(seconds: wallClockSeconds()),
                uniqueNumber: .random(in: .min ... .max))
            filters?.facts.message = id
            opened.isFiltered = beginContent(of: opened)
            filters?.report(.data(id, .accepted))
            machine.messageOpened(.opened(opened))
        case .failure(let error):
            machine.messageOpened(.refused(Reply(error.refusal)))
        }
    }
    private(set) var messageID: MessageID?

    /// Octets on their way to the queue above which a session waits.
    private static let maximumQueued = 1 << 20
    /// Octets of a body in one message to the queue.
    private static let maximumPiece = 256 << 10

    /// More is on its way to the queue than is good.
    var isQueueCongested: Bool { (dispatcher.queue?.queuedBytes ?? 0) >= Self.maximumQueued }

    func queueDrained() async { await dispatcher.queue?.drained(below: Self.maximumQueued) }

    func store(_ bytes: [UInt8]) {
        guard let transfer else { return }
        var start = 0
        while start < bytes.count {
            let end = min(start + Self.maximumPiece, bytes.count)
            let piece = start == 0 && end == bytes.count ? bytes : Array(bytes[start..<end])
            dispatcher.queue?.send(.body(transfer: transfer, piece))
            start = end
        }
    }

    private func commit(size: Int64) async {
        if let filters {
            guard await amendEnvelope(filters.takeAmendments()) else { return discard() }
        }
        guard let transfer, let transaction, let messageID else { preconditionFailure("a commit without a message") }
        for start in stride(from: 0, to: drafts.count, by: DispatcherToQueue.maximumDrafts) {
            let end = min(start + DispatcherToQueue.maximumDrafts, drafts.count)
            dispatcher.queue?.send(.envelopes(transfer: transfer, Array(drafts[start..<end])))
        }
        if filters?.wants(.txEnvelope) == true { dispatcher.queue?.send(.nameEnvelopes(transfer: transfer)) }
        dispatcher.queue?.send(.commit(transfer: transfer, transaction))
        let refusal = await dispatcher.transfers.commit(transfer)
        for id in dispatcher.transfers.takeEnvelopes(transfer) { filters?.report(.envelope(id)) }
        if let refusal {
            filters?.report(.rolledBack(messageID))
            machine.messageCommitted(.refuse(Reply(refusal)))
        } else {
            log.info(
                "\(id) smtp message msgid=\(messageID) size=\(size) nrcpt=\(recipients) from=<\(transaction.sender.text)>")
            filters?.report(.committed(messageID, size: size))
            machine.messageCommitted(.accept)
        }
        forget()
    }

    /// The client is told that its message is taken, and nobody gets it: a filter wants it so.
    private func discard() {
        log.info("\(id) smtp discarded msgid=\(messageID?.description ?? "") from=<\(transaction?.sender.text ?? "")>")
        rollback()
        machine.messageCommitted(.accept)
    }

    private func rollback() {
        if let transfer {
            dispatcher.transfers.abandon(transfer)
            dispatcher.queue?.send(.rollback(transfer: transfer))
            if let messageID { filters?.report(.rolledBack(messageID)) }
        }
        forget()
    }

    private func forget() {
        if let filters, transfer != nil { filters.report(.transactionReset(messageID)) }
        endContent()
        transaction = nil
        drafts = []
        recipients = 0
        transfer = nil
        messageID = nil
    }
}

extension Reply {
    /// What a client hears when the queue does not take its message: always "try again".
    init(_ refusal: QueueRefusal) {
        switch refusal {
        case .outOfSpace: self.init(452, "4.3.1", "Insufficient system storage")
        case .failure: self.init(451, "4.3.0", "Temporary failure")
        }
    }
}
