import Configuration
import Envelopes
import EventLoop
import MailSyntax
import ProcessMessages
import Routing

/// Who a message is from, as an action wants it.
extension RelayDeliveries {
    /// The sender of one transaction, whose envelopes are of one variant. The null reverse path stays null.
    ///
    /// - Throws: Why that is not known now.
    func sender(of task: RelayTask, by action: RelayAction) async throws(DeliveryFailure) -> RelaySender {
        let transaction = task.message.transaction
        let rewritten = transaction.sender.rewritten(action.sender)
        if let replacement = try await replacement(for: transaction, action) {
            return RelaySender(
                reversePath: transaction.sender == .null ? .null : .mailbox(replacement), replacement: replacement)
        }
        guard let domain = Self.ownDomain(of: task, action), let address = rewritten.address else {
            return RelaySender(reversePath: rewritten)
        }
        let request = dispatcher.rewrittenSenders.next()
        dispatcher.lookup?.send(.rewriteSender(request: request, sender: address, domain: domain))
        return RelaySender(reversePath: .mailbox(await dispatcher.rewrittenSenders.answer(request) ?? address))
    }

    /// Envelopes of one message whose senders differ do not share a transaction.
    func variant(of task: RelayTask) -> UInt32 {
        guard case .relay(let action)? = dispatcher.view.actions[task.envelope.action]?.kind,
            let domain = Self.ownDomain(of: task, action)
        else { return 0 }
        if let known = variants[domain] { return known }
        // A number is never used for another domain; to forget them costs a transaction at worst.
        if variants.count >= Self.maximumVariants { variants = [:] }
        let variant = nextVariant
        nextVariant = variant == .max ? 1 : variant + 1
        variants[domain] = variant
        return variant
    }

    private static let maximumVariants = 1_000

    /// In the name of which domain the sender is rewritten (SRS): of that the mail was for before it was forwarded.
    private static func ownDomain(of task: RelayTask, _ action: RelayAction) -> Domain? {
        guard action.usesSRS, task.message.transaction.sender != .null,
            task.envelope.recipient != task.envelope.destination
        else { return nil }
        return task.envelope.recipient.domain
    }

    private func replacement(for transaction: Transaction, _ action: RelayAction) async throws(DeliveryFailure) -> MailAddress? {
        let text: String
        switch action.rewriting {
        case nil: return nil
        case .address(let address): text = address
        case .table(let table):
            // Reports are from the postmaster of this server, by their header.
            let key = transaction.sender.address?.text ?? "MAILER-DAEMON@\(dispatcher.view.serverName)"
            switch await value(key, table, .rewriting) {
            case .found(let found): text = found
            case .missing: return nil
            case .failed(let reason): throw DeliveryFailure(status: "4.3.0", text: "Table \(table): \(reason)")
            }
        }
        guard let address = try? MailAddress(parsing: Array(text.utf8)) else {
            throw DeliveryFailure(status: "4.3.5", text: "rewrite-from: \(text) is no mail address")
        }
        return address
    }
}

extension ReversePath {
    /// The address that a full address, a bare user or `@domain` makes of this one; never of the null reverse path.
    func rewritten(_ wanted: String?) -> ReversePath {
        guard let wanted, let address else { return self }
        let bytes = Array(wanted.utf8)
        let at = bytes.lastIndex(of: UInt8(ascii: "@"))
        let user = at.map { bytes[..<$0] } ?? bytes[...]
        let domain = at.map { bytes[($0 + 1)...] } ?? []
        let text =
            (user.isEmpty ? address.localPart.quoted : Array(user)) + [UInt8(ascii: "@")]
            + (domain.isEmpty ? address.domain.bytes : Array(domain))
        // The configuration was checked when it was read; what is no address changes nothing.
        return (try? MailAddress(parsing: text)).map { .mailbox($0) } ?? self
    }
}
