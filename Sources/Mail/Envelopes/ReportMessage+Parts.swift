import MailSyntax

/// The three parts of a report (RFC 6522 section 3): words for people, fields for programs, and what came back.
extension ReportMessage {
    /// UTF-8 goes into our own words only for a sender whose client asked for SMTPUTF8 (RFC 6533 section 4).
    private var allowsUTF8: Bool { transaction.needsUTF8 }

    // MARK: First part

    func notice() -> [UInt8] {
        var text: [UInt8] = []
        for line in explanation { text += ReportText.folded(line, after: "", indent: "") }
        text.append(UInt8(ascii: "\n"))
        for recipient in recipients {
            let reason = ReportText.line(recipient.checkedDiagnostic, allowingUTF8: allowsUTF8)
            let address = addressText(recipient.recipient)
            let lead = reason.isEmpty ? "    \(address)" : "    \(address): "
            text += ReportText.folded(reason, after: lead, indent: "        ")
        }
        text += "\nThis report was made by a program; nobody reads an answer to it.\n".utf8
        let is8Bit = text.contains { $0 >= 0x80 }
        return partHeader("text/plain; charset=\(is8Bit ? "utf-8" : "us-ascii")", is8Bit: is8Bit) + text
    }

    private var explanation: [String] {
        let host = addressText(reportingHost.text)
        switch kind {
        case .failed:
            return [
                "The mail server \(host) could not deliver your message to these addresses, and has given up:"
            ]
        case .delayed(let interval):
            let end = recipients.compactMap(\.retriesUntil).min().map { " until \(Self.dateText($0))" } ?? ""
            return [
                "The mail server \(host) has not been able to deliver your message to these addresses for"
                    + " \(durationText(interval)). It goes on trying\(end); you need not send it again:"
            ]
        case .relayed: return relayedExplanation(host)
        case .delivered where subject == "relayed": return relayedExplanation(host)
        case .delivered:
            return ["The mail server \(host) has delivered your message to these addresses, as you asked to be told:"]
        }
    }

    private func relayedExplanation(_ host: String) -> [String] {
        [
            "The mail server \(host) has handed on your message for these addresses. The next server does not"
                + " report what becomes of it:"
        ]
    }

    // MARK: Second part (RFC 3464, RFC 6533 section 4)

    func deliveryStatus() -> [UInt8] {
        var fields: [UInt8] = []
        func field(_ name: String, _ value: String) { fields += ReportText.folded(value, after: name + ": ") }
        func addressField(_ name: String, type: String, _ address: String) {
            let words = ReportText.clean(type, allowingUTF8: false) + "; " + address
            // Spaces of a quoted local part count; only an escaped address, which has none, can be so long.
            fields += words.utf8.count > 900
                ? ReportText.folded(words, after: name + ": ") : Array("\(name): \(words)\n".utf8)
        }
        if let identifier = transaction.envelopeIdentifier {
            field("Original-Envelope-Id", line(String(decoding: identifier, as: UTF8.self)))
        }
        field("Reporting-MTA", "dns; \(line(reportingHost.text))")
        if let arrival { field("Arrival-Date", Self.dateText(arrival)) }
        for recipient in recipients {
            fields.append(UInt8(ascii: "\n"))
            if let original = recipient.originalRecipient {
                let (type, address) = Self.decodedOriginalRecipient(original)
                addressField("Original-Recipient", type: type, addressText(address))
            }
            let final = recipient.finalRecipient.text
            addressField("Final-Recipient", type: isASCII(final) ? "rfc822" : "utf-8", addressText(final))
            field("Action", recipient.action.rawValue)
            field("Status", recipient.checkedStatus)
            if let host = recipient.remoteHost { field("Remote-MTA", "dns; \(line(host))") }
            let reason = line(recipient.checkedDiagnostic)
            if !reason.isEmpty {
                // Only a reply of a server is of type smtp (RFC 3464 section 2.3.6).
                field("Diagnostic-Code", "\(recipient.hasReply ? "smtp" : "x-martlet"); \(reason)")
            }
            if let attempt = recipient.lastAttempt { field("Last-Attempt-Date", Self.dateText(attempt)) }
            if recipient.action == .delayed, let end = recipient.retriesUntil {
                field("Will-Retry-Until", Self.dateText(end))
            }
        }
        let is8Bit = fields.contains { $0 >= 0x80 }
        return partHeader(is8Bit ? "message/global-delivery-status" : "message/delivery-status", is8Bit: is8Bit) + fields
    }

    /// ORCPT as the field wants it: decoded, since a field needs no xtext (RFC 3464 section 2.3.1).
    private static func decodedOriginalRecipient(_ original: [UInt8]) -> (type: String, address: String) {
        let end = original.firstIndex(of: UInt8(ascii: ";")) ?? original.endIndex
        let value = Array(original[end...].dropFirst())
        // The utf-8 type has an escape of its own, which stays, and no xtext around it (RFC 6533 section 3).
        let isUTF8 = equalIgnoringASCIICase(original[..<end], "utf-8".utf8)
        let address = isUTF8 ? value : Xtext.decoded(value) ?? value
        return (String(decoding: original[..<end], as: UTF8.self), String(decoding: address, as: UTF8.self))
    }

    // MARK: Third part

    /// The whole original when a failure report shall return it and it can be, else its header.
    func returnedContent() -> [UInt8] {
        let header = Self.headerSection(of: original)
        // Only an SMTPUTF8 message is of the global types; eight bits in other headers are an old abuse.
        let isGlobal = transaction.needsUTF8 && header.contains { $0 >= 0x80 }
        if returnsFull {
            return partHeader(isGlobal ? "message/global" : "message/rfc822", is8Bit: original.contains { $0 >= 0x80 })
                + original
        }
        let returned = Self.presentable(header)
        return partHeader(
            isGlobal ? "message/global-headers" : "text/rfc822-headers", is8Bit: returned.contains { $0 >= 0x80 })
            + returned
    }

    private var returnsFull: Bool {
        guard kind == .failed, transaction.returnContent == .full, originalSize <= Self.maximumReturned,
            original.count == originalSize, transaction.body != .binaryMIME
        else { return false }
        // What is not lines of text could not be sent in a report.
        var lineLength = 0
        for byte in original {
            if byte == 0 || byte == 0x0D { return false }
            lineLength = byte == 0x0A ? 0 : lineLength + 1
            if lineLength > 998 { return false }
        }
        return true
    }

    /// The lines before the first empty one, whole lines only, within ``maximumReturnedHeader``.
    static func headerSection(of message: [UInt8]) -> ArraySlice<UInt8> {
        var end = 0
        var lineStart = 0
        while lineStart < message.count {
            let lineEnd = message[lineStart...].firstIndex(of: 0x0A) ?? message.count
            guard lineEnd > lineStart, lineEnd < maximumReturnedHeader else { break }
            end = min(lineEnd + 1, message.count)
            lineStart = lineEnd + 1
        }
        return message[..<end]
    }

    /// A header without control characters, and with folds where a line is too long.
    private static func presentable(_ header: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(header.count)
        var lineLength = 0
        for byte in header {
            if byte == 0x0A {
                result.append(byte)
                lineLength = 0
                continue
            }
            if lineLength >= ReportText.hardWidth, byte & 0xC0 != 0x80 {
                result += "\n ".utf8
                lineLength = 1
            }
            result.append((byte < 0x20 && byte != 0x09) || byte == 0x7F ? UInt8(ascii: "?") : byte)
            lineLength += 1
        }
        if let last = result.last, last != 0x0A { result.append(0x0A) }
        return result
    }

    // MARK: Common

    private func partHeader(_ type: String, is8Bit: Bool) -> [UInt8] {
        Array("Content-Type: \(type)\n\(is8Bit ? "Content-Transfer-Encoding: 8bit\n" : "")\n".utf8)
    }

    private func line(_ text: String) -> String { ReportText.line(text, allowingUTF8: allowsUTF8) }

    private func addressText(_ address: MailAddress) -> String { addressText(address.text) }

    private func addressText(_ text: String) -> String {
        isASCII(text) || allowsUTF8 ? ReportText.clean(text, allowingUTF8: true) : ReportText.escapedAddress(text)
    }

    private func isASCII(_ text: String) -> Bool { text.utf8.allSatisfy { $0 < 0x80 } }
}
