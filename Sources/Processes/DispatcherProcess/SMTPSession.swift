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
///
/// `+Octets` reads and writes, `+Transaction` makes messages of what is said, `+Filters` and `+Amendments` let filters have
/// their part, `+TLS` turns to TLS.
@EventLoopActor
final class SMTPSession {
    let stream: SecurableStream
    let dispatcher: DispatcherProcess
    let client: ClientIdentity
    /// Names the session in the log.
    let id: String
    /// Nil on listeners without.
    let authentication: ClientAuthentication?
    /// Nil on a listener in clear.
    private let tls: TLSServerContext?
    /// TLS from the first octet on.
    let isImplicit: Bool
    /// Nil on a listener without.
    let filters: SessionFilters?
    var machine: ServerSession
    let idle: Duration
    /// Replies that are not sent.
    var output: [UInt8] = []
    private(set) var isEnding = false
    /// What the machine had done when the wait for the client began, and how long that lasts.
    var waitedSince: (progress: UInt64, deadline: MonotonicInstant)?

    // The transaction under way.
    var transaction: Transaction?
    var drafts: [EnvelopeDraft] = []
    var recipients = 0
    var transfer: UInt64?
    var messageID: MessageID?
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
    func proceed() {
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
}
