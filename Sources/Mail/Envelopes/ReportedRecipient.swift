import MailSyntax

/// What a report says about one recipient (RFC 3464 section 2.3).
package struct ReportedRecipient: Hashable, Sendable {
    /// The address the sender wrote.
    package var recipient: MailAddress
    /// The address after aliases and forwarding.
    package var finalRecipient: MailAddress
    /// RFC 3461 ORCPT as `type;xtext`.
    package var originalRecipient: [UInt8]?
    package var action: Action
    /// An enhanced status code (RFC 3463), as a peer gave it: checked when it is written.
    package var status: String
    /// The reason, as a peer or this server gave it: any text.
    package var diagnostic: String
    /// The host that gave the reason, nil when it is ours.
    package var remoteHost: String?
    package var lastAttempt: Timestamp?
    /// When it will be given up; written for delays only.
    package var retriesUntil: Timestamp?

    /// RFC 3464 section 2.3.3.
    package enum Action: String, Hashable, Sendable {
        case failed
        case delayed
        case delivered
        case relayed
        case expanded
    }

    package init(
        recipient: MailAddress, finalRecipient: MailAddress, originalRecipient: [UInt8]? = nil, action: Action,
        status: String, diagnostic: String, remoteHost: String? = nil, lastAttempt: Timestamp? = nil,
        retriesUntil: Timestamp? = nil
    ) {
        self.recipient = recipient
        self.finalRecipient = finalRecipient
        self.originalRecipient = originalRecipient
        self.action = action
        self.status = status
        self.diagnostic = diagnostic
        self.remoteHost = remoteHost
        self.lastAttempt = lastAttempt
        self.retriesUntil = retriesUntil
    }

    /// Takes the facts from an envelope and its history; the reason is the last error, and the status code
    /// the one found in it.
    package init(_ envelope: Envelope, history: DeliveryHistory, action: Action, remoteHost: String? = nil) {
        self.init(
            recipient: envelope.recipient, finalRecipient: envelope.destination,
            originalRecipient: envelope.originalRecipient, action: action,
            status: Self.statusCode(in: history.lastError) ?? "", diagnostic: history.lastError, remoteHost: remoteHost,
            lastAttempt: history.lastAttempt, retriesUntil: action == .delayed ? envelope.expiry : nil)
    }

    /// The status code as it is written: the given one when it is well formed and of the class that the
    /// action demands (RFC 3463 section 2, RFC 3464 section 2.3.4), else the general one of that class.
    var checkedStatus: String {
        let demanded: UInt8 = switch action {
        case .failed: UInt8(ascii: "5")
        case .delayed: UInt8(ascii: "4")
        case .delivered, .relayed, .expanded: UInt8(ascii: "2")
        }
        // A failure may be one of class 4: the last of many temporary ones, given up.
        let isAllowed = status.utf8.first.map { $0 == demanded || (action == .failed && $0 == UInt8(ascii: "4")) } ?? false
        if isAllowed, Self.isStatusCode(status[...]) { return status }
        return String(UnicodeScalar(demanded)) + ".0.0"
    }

    /// The reason without a reply code of a class that is none of SMTP's failures: `1yz` and `6yz` are the
    /// marks by which a server notes troubles of its own.
    var checkedDiagnostic: String {
        let bytes = diagnostic.utf8.prefix(4)
        let isMark = bytes.count == 4 && bytes.dropFirst().prefix(2).allSatisfy(isASCIIDigit)
            && (bytes.first == UInt8(ascii: "1") || bytes.first == UInt8(ascii: "6")) && bytes.last == UInt8(ascii: " ")
        return isMark ? String(diagnostic.dropFirst(4)) : diagnostic
    }

    /// True when the reason is the reply of a server. An envelope read back from the queue no longer knows
    /// which one it was; the reply code tells that there was one.
    var hasReply: Bool {
        if remoteHost != nil { return true }
        let bytes = Array(diagnostic.utf8.prefix(4))
        return bytes.count == 4 && (bytes[0] == UInt8(ascii: "4") || bytes[0] == UInt8(ascii: "5"))
            && isASCIIDigit(bytes[1]) && isASCIIDigit(bytes[2]) && bytes[3] == UInt8(ascii: " ")
    }

    /// The first word of the form `class.subject.detail` among the first three of a text.
    package static func statusCode(in text: String) -> String? {
        text.split(separator: " ", maxSplits: 3).prefix(3).first(where: isStatusCode).map(String.init)
    }

    private static func isStatusCode(_ text: Substring) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ (1...3).contains($0.count) && $0.allSatisfy(isASCIIDigit) }) else {
            return false
        }
        return parts[0].count == 1 && [UInt8(ascii: "2"), UInt8(ascii: "4"), UInt8(ascii: "5")].contains(parts[0].first)
    }
}
