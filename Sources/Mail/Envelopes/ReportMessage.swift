import MailSyntax

/// A report to a sender about what became of a message: a delivery status notification (RFC 3464).
///
/// Composed from values alone. Everything that came from others (addresses, status texts, the original's
/// header) is data in it: it cannot add a line, a field, a recipient or a part.
package struct ReportMessage: Sendable {
    /// The name under which this server speaks.
    package var reportingHost: Domain
    package var kind: BounceKind
    package let sender: MailAddress
    package var transaction: Transaction
    /// At least one, all of one message and ``kind``.
    package let recipients: [ReportedRecipient]
    /// When the message arrived.
    package var arrival: Timestamp?
    /// When the report is made.
    package var date: Timestamp
    /// The message as stored, with LF line ends, or as much of its beginning as the caller read.
    package var original: [UInt8]
    /// The size of the whole stored message.
    package var originalSize: Int

    /// A longer original is not returned whole, whatever the sender asked (RFC 3461 section 4.3 leaves it to us);
    /// the caller need not read more than this.
    package static let maximumReturned = 1_048_576
    /// The most of an original's header that is returned, in bytes.
    package static let maximumReturnedHeader = 65_536

    /// Nil for the null sender, to whom nothing is ever reported, and for no recipients.
    package init?(
        _ kind: BounceKind, from reportingHost: Domain, about transaction: Transaction,
        recipients: [ReportedRecipient], arrival: Timestamp?, date: Timestamp, original: [UInt8], originalSize: Int
    ) {
        guard let sender = transaction.sender.address, !recipients.isEmpty else { return nil }
        self.kind = kind
        self.reportingHost = reportingHost
        self.sender = sender
        self.transaction = transaction
        self.recipients = recipients
        self.arrival = arrival
        self.date = date
        self.original = original
        self.originalSize = originalSize
    }

    /// A report ready to be submitted from the null reverse path.
    package struct Composed: Hashable, Sendable {
        /// The message with LF line ends.
        package var bytes: [UInt8]
        /// For the BODY parameter of its own transaction.
        package var body: BodyType
        /// Its transaction needs SMTPUTF8: an address in its header is not ASCII.
        package var needsUTF8: Bool
    }

    /// Writes the report.
    ///
    /// - Parameter token: Letters and digits that name this report and no other, best random: they make the
    ///   Message-ID and the boundary between the parts. Other characters are left out.
    package func composed(token: String) -> Composed {
        let parts = [notice(), deliveryStatus(), returnedContent()]
        let unique = String(decoding: token.utf8.filter(isASCIIAlphanumeric).prefix(40), as: UTF8.self)
        let boundary = Self.boundary(startingWith: unique, absentFrom: parts)
        let isASCIIOnly = parts.allSatisfy { $0.allSatisfy { $0 < 0x80 } }

        let header = self.header(token: unique, boundary: boundary, is8Bit: !isASCIIOnly)
        var bytes = header
        bytes.append(UInt8(ascii: "\n"))
        bytes += "This is a report in the format of RFC 3464, in several parts.\n".utf8
        for part in parts {
            bytes += "\n--\(boundary)\n".utf8
            bytes += part
        }
        bytes += "\n--\(boundary)--\n".utf8
        let headerIsASCII = header.allSatisfy { $0 < 0x80 }
        return Composed(
            bytes: bytes, body: isASCIIOnly && headerIsASCII ? .sevenBit : .eightBitMIME, needsUTF8: !headerIsASCII)
    }

    private func header(token: String, boundary: String, is8Bit: Bool) -> [UInt8] {
        var result: [UInt8] = []
        func field(_ name: String, _ value: String) { result += ReportText.folded(value, after: name + ": ") }
        // Not folded: in a quoted local part the spaces count. An address is shorter than a line may be.
        func addressField(_ name: String, _ value: String) {
            result += "\(name): \(ReportText.clean(value, allowingUTF8: true))\n".utf8
        }
        addressField("From", "Mailer Daemon <MAILER-DAEMON@\(reportingHost.text)>")
        addressField("To", "<\(sender.text)>")
        field("Subject", "Delivery status notification: \(subject)")
        field("Date", Self.dateText(date))
        field("Message-ID", "<\(token.isEmpty ? "report" : token).\(date.seconds)@\(reportingHost.text)>")
        // RFC 3834 section 5: no automatic answer to this.
        field("Auto-Submitted", "auto-replied")
        field("MIME-Version", "1.0")
        field("Content-Type", "multipart/report; report-type=delivery-status; boundary=\"\(boundary)\"")
        if is8Bit { field("Content-Transfer-Encoding", "8bit") }
        return result
    }

    /// What the subject and the notice call it.
    var subject: String {
        switch kind {
        case .failed: "failed"
        case .delayed: "delayed"
        case .relayed: "relayed"
        case .delivered:
            if recipients.allSatisfy({ $0.action == .relayed }) {
                "relayed"
            } else if recipients.allSatisfy({ $0.action == .expanded }) {
                "expanded"
            } else {
                "delivered"
            }
        }
    }

    static func dateText(_ date: Timestamp) -> String { MailDate(seconds: date.seconds).text }

    /// A boundary (RFC 2046 section 5.1.1) that begins with a token and occurs in no part. Should it occur, by
    /// an accident or because somebody knew the token, a number makes it one that does not.
    static func boundary(startingWith token: String, absentFrom parts: [[UInt8]]) -> String {
        let plain = "=_\(token)"
        var isTaken = false
        var takenNumbers: Set<Int> = []
        for part in parts {
            forEachOccurrence(of: Array(plain.utf8), in: part) { rest in
                isTaken = true
                guard rest.first == UInt8(ascii: "_") else { return }
                let digits = rest.dropFirst().prefix(9).prefix(while: isASCIIDigit)
                if let number = Int(String(decoding: digits, as: UTF8.self)) { takenNumbers.insert(number) }
            }
        }
        guard isTaken else { return plain }
        var number = 0
        while takenNumbers.contains(number) { number += 1 }
        // The last character keeps one number from being the beginning of another.
        return "\(plain)_\(number)_"
    }

    /// Calls `body` with what follows each occurrence.
    private static func forEachOccurrence(of needle: [UInt8], in haystack: [UInt8], _ body: (ArraySlice<UInt8>) -> Void) {
        guard let first = needle.first, haystack.count >= needle.count else { return }
        for start in 0...(haystack.count - needle.count)
        where haystack[start] == first && haystack[start..<(start + needle.count)].elementsEqual(needle) {
            body(haystack[(start + needle.count)...])
        }
    }
}
