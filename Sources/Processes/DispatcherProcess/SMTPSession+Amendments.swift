import Envelopes
import EventLoop
import Log
import MailSyntax
import ProcessMessages

/// Carrying out what filters have changed of an envelope, before the message is made durable.
extension SMTPSession {
    /// - Returns: False when nobody is to get the message.
    func amendEnvelope(_ amendments: [EnvelopeAmendment]) async -> Bool {
        guard !amendments.isEmpty else { return true }
        for amendment in amendments {
            switch amendment {
            case .addRecipient(let address): await addRecipient(address)
            case .removeRecipient(let address): drafts.removeAll { $0.recipient == address }
            case .changeSender(let sender): transaction?.sender = sender
            case .quarantine(let reason): quarantine(reason)
            case .discard: return false
            }
        }
        return !drafts.isEmpty
    }

    /// By the rules, as if the client had named it. One that the rules refuse is left out: the message has gone too
    /// far to ask anybody.
    private func addRecipient(_ address: MailAddress) async {
        guard let transaction else { return }
        let question = dispatcher.expansions.next()
        dispatcher.lookup?.send(.expand(request: question, recipient: address, transaction: transaction))
        switch await dispatcher.expansions.answer(question) {
        case .accepted(let found, let trace):
            log.debug("\(id) smtp added-recipient=<\(address.text)> \(trace)")
            drafts += found
        case .refused(let reply, let trace):
            log.warning("\(id) smtp filter added <\(address.text)>, refused: \(LogText.value(reply.text)) \(trace)")
        case nil:
            log.warning("\(id) smtp filter added <\(address.text)>, which nobody could look up")
        }
    }

    private func quarantine(_ reason: String) {
        guard let transfer, let messageID else { return }
        log.warning("\(id) smtp quarantined msgid=\(messageID) reason=\(LogText.value(reason))")
        dispatcher.queue?.send(.quarantine(transfer: transfer))
    }
}
