import MailSyntax

/// The lines in which `smtpctl show queue` and `mailq` list envelopes, and the text of `show envelope`.
package enum QueueListing {
    /// Where an envelope stands in its run through the scheduler.
    package enum RunState: Hashable, Sendable {
        /// Waits; tried in this many seconds, negative when overdue.
        case pending(in: Int64)
        /// Under delivery for this many seconds.
        case inflight(since: Int64)
        /// In the queue, but not to be tried: its action is not in the configuration.
        case invalid
        /// Read from the spool while no server runs.
        case offline
    }

    /// One envelope in 14 fields between `|`, without a line end: id, address family of the client, type, flags, sender,
    /// recipient, destination, creation, expiry, last try (0 for never), tries, state, seconds, last error.
    ///
    /// The seconds are those of the state. No field holds a line end or another control character, and
    /// none but the last a `|`: they are escaped as vis(3) does.
    ///
    /// - Parameter isHeld: It waits on a hold queue.
    package static func line(
        _ envelope: Envelope, _ transaction: Transaction, _ history: DeliveryHistory, state: RunState, isHeld: Bool = false
    ) -> String {
        var line = ListedLines()
        line.append(envelope, transaction, history)
        var bytes: [UInt8] = []
        line.appendLine(0, state: state, isHeld: isHeld, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The fields of version 3 of OpenSMTPD's envelope files, one `name: value` to a line. Empty ones are left out.
    ///
    /// No value can begin a line of its own.
    package static func text(_ envelope: Envelope, _ transaction: Transaction, _ history: DeliveryHistory) -> String {
        var lines: [String] = []
        func field(_ name: String, _ value: String) {
            if !value.isEmpty { lines.append("\(name): \(ReportText.line(value, allowingUTF8: true))\n") }
        }
        field("version", "3")
        field("dispatcher", envelope.action)
        field("tag", transaction.tag)
        field("type", envelope.kind.typeName)
        field("smtpname", transaction.serverName)
        field("helo", transaction.helo)
        field("hostname", transaction.reverseName)
        field("username", transaction.user ?? "")
        field("errorline", history.lastError)
        field("sockaddr", transaction.source.text)
        field("sender", senderText(transaction.sender))
        field("rcpt", envelope.recipient.text)
        field("dest", envelope.destination.text)
        field("ctime", String(envelope.created.seconds))
        field("last-try", String(history.lastAttempt?.seconds ?? 0))
        field("last-bounce", String(history.lastNotice?.seconds ?? 0))
        field("ttl", String(envelope.timeToLive))
        field("retry", String(history.attempts))
        let flags = transaction.flagNames(authenticated: "authenticated", authenticatedFirst: true)
        field("flags", flags.joined(separator: " "))
        field("dsn-notify", String(envelope.notify?.rawValue ?? 0))
        switch transaction.returnContent {
        case .full: field("dsn-ret", "FULL")
        case .headers: field("dsn-ret", "HDRS")
        case nil: break
        }
        field("dsn-envid", String(decoding: transaction.envelopeIdentifier ?? [], as: UTF8.self))
        field("dsn-orcpt", String(decoding: envelope.originalRecipient ?? [], as: UTF8.self))
        switch envelope.kind {
        case .local(let delivery):
            field("mda-exec", delivery.method.command)
            field("mda-subaddress", delivery.subaddress ?? "")
            field("mda-user", delivery.user ?? "")
        case .relay:
            break
        case .bounce(let kind):
            field("bounce-ttl", String(envelope.timeToLive))
            if case .delayed(let interval) = kind { field("bounce-delay", String(interval)) }
            field("bounce-type", kind.typeName)
        }
        return lines.joined()
    }

    /// Text without control characters, each of them and the backslash written as vis(3) does: `\\`, `\n`, `\t`,
    /// or a backslash and three octal digits for each byte.
    package static func escaped(_ text: String) -> String {
        escaped(text, escaping: nil)
    }

    private static func escaped(_ text: String, escaping separator: Unicode.Scalar?) -> String {
        // Nearly every field is plain.
        let isPlain = text.utf8.allSatisfy { byte in
            byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "\\") && separator.map { $0.value != UInt32(byte) } != false
        }
        if isPlain { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where ReportText.isControl(scalar) || scalar == separator:
                for byte in UTF8.encode(scalar) ?? .init() {
                    let digits = String(byte, radix: 8)
                    result += "\\" + String(repeating: "0", count: 3 - digits.utf8.count) + digits
                }
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    static func field(_ text: String) -> String { escaped(text, escaping: "|") }

    /// The null reverse path is written `@`: no local part, no domain.
    private static func senderText(_ sender: ReversePath) -> String { sender.address?.text ?? "@" }

    static func family(of source: ClientSource) -> String {
        switch source {
        case .local: "local"
        case .network(.v4): "inet4"
        case .network(.v6): "inet6"
        }
    }
}

extension Envelope.Kind {
    var typeName: String {
        switch self {
        case .local: "mda"
        case .relay: "mta"
        case .bounce: "bounce"
        }
    }
}

extension BounceKind {
    fileprivate var typeName: String {
        switch self {
        case .failed: "failed"
        case .delayed: "delayed"
        case .delivered: "delivered"
        case .relayed: "relayed"
        }
    }
}

extension LocalDelivery.Method {
    /// What is run, empty when that is the action's business.
    fileprivate var command: String {
        switch self {
        case .action: ""
        case .pipe(let command): command
        case .file(let path): "mail.mboxfile -f %{mbox.from} \(path)"
        }
    }
}

extension Transaction {
    /// Listings write `bounce` before the word for an authenticated client, envelope files after it.
    func flagNames(authenticated word: String, authenticatedFirst: Bool = false) -> [String] {
        let bounce = isInternal && sender == .null ? ["bounce"] : []
        let authenticated = isAuthenticated ? [word] : []
        return (authenticatedFirst ? authenticated + bounce : bounce + authenticated) + (isInternal ? ["internal"] : [])
    }
}
