import Configuration
import Envelopes
import EventLoop
import Filters
import Log
import MailSyntax
import Platform
import ProcessMessages
import RoleProcess
import SMTPProtocol

/// Making messages of what clients say: recipients are decided about by lookup, content goes to the queue.
extension SMTPSession {
    /// Octets on their way to the queue above which a session waits.
    static let maximumQueued = 1 << 20
    /// Octets of a body in one message to the queue.
    private static let maximumPiece = 256 << 10

    /// Who may send, for the listener's `senders`.
    func senderVerdict(_ transaction: Transaction) async -> Verdict {
        await authentication?.verdict(on: transaction) ?? .accept
    }

    func check(_ request: RecipientRequest) async {
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

    func open() async {
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

    func commit(size: Int64) async {
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

    func rollback() {
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
