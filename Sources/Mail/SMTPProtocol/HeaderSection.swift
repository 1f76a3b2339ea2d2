import MailSyntax

/// The header section of a message on its way in; see ``MessageIntake``.
struct HeaderSection {
    /// What happens to the field whose lines come now.
    private enum Field {
        /// No field has begun.
        case none
        case passing
        case dropping
        /// An address field, held until it is whole.
        case holding([UInt8])
        /// `From`, held until it is whole, then written for another address.
        case masquerading([UInt8], as: MailAddress)
    }

    /// The beginning of a line whose end has not come. The decoder bounds it by the text line limit.
    private var partialLine: [UInt8] = []
    private var field = Field.none
    private var size = 0
    private var receivedFields = 0
    private var hasDate = false
    private var hasMessageID = false

    /// Takes content up to and with the empty line that ends the section.
    ///
    /// - Returns: The offset of the body in `content`, nil when the section goes on.
    mutating func take(
        _ content: [UInt8], _ policy: MessageIntake.Policy, onto output: inout [UInt8]
    ) throws(MessageFault) -> Int? {
        var start = 0
        while start < content.count {
            guard let end = content[start...].firstIndex(of: 0x0A) else {
                partialLine += content[start...]
                return nil
            }
            let isLast: Bool
            if partialLine.isEmpty {
                isLast = try take(line: content[start...end], policy, onto: &output)
            } else {
                partialLine += content[start...end]
                isLast = try take(line: partialLine[...], policy, onto: &output)
                partialLine.removeAll(keepingCapacity: true)
            }
            start = end + 1
            if isLast { return start }
        }
        return nil
    }

    /// Ends a message that has no body and no empty line.
    mutating func finish(_ policy: MessageIntake.Policy, onto output: inout [UInt8]) {
        endField(policy, onto: &output)
        complete(policy, onto: &output)
    }

    /// Takes one line with its LF; true when it ends the section.
    private mutating func take(
        line: ArraySlice<UInt8>, _ policy: MessageIntake.Policy, onto output: inout [UInt8]
    ) throws(MessageFault) -> Bool {
        let limits = policy.limits
        size += line.count
        switch HeaderLine(line.dropLast()) {
        case .field(let nameLength, _):
            guard size <= limits.headerSize else { throw .headerTooLarge }
            endField(policy, onto: &output)
            field = try begin(line.prefix(nameLength), policy)
            more(line, limits, onto: &output)
        case .continuation:
            guard size <= limits.headerSize else { throw .headerTooLarge }
            if case .none = field { throw .malformedHeader }
            more(line, limits, onto: &output)
        case .empty:
            endField(policy, onto: &output)
            complete(policy, onto: &output)
            output += line
            return true
        case .other:
            throw .malformedHeader
        }
        return false
    }

    /// Decides by its name what happens to a field.
    private mutating func begin(
        _ name: ArraySlice<UInt8>, _ policy: MessageIntake.Policy
    ) throws(MessageFault) -> Field {
        switch String(decoding: name.map(asciiLowercased), as: UTF8.self) {
        case "bcc", "resent-bcc":
            return .dropping
        case "from":
            return policy.masquerade.map { .masquerading([], as: $0) } ?? .holding([])
        case "to", "cc":
            return .holding([])
        case "date":
            hasDate = true
        case "message-id":
            hasMessageID = true
        case "received":
            receivedFields += 1
            guard receivedFields < policy.limits.receivedFields else { throw .loop }
        default:
            break
        }
        return .passing
    }

    private mutating func more(_ line: ArraySlice<UInt8>, _ limits: SessionLimits, onto output: inout [UInt8]) {
        switch field {
        case .none, .passing:
            output += line
        case .dropping:
            break
        case .holding(var held):
            // Out of the state while it grows, so that it is not copied.
            field = .passing
            held += line
            if held.count > limits.addressField {
                output += held
            } else {
                field = .holding(held)
            }
        case .masquerading(var held, let address):
            field = .dropping
            held += line
            if held.count > limits.addressField {
                // Passing it on would pass on the address that must not be there.
                output += "From: <".utf8
                output += address.bytes
                output += ">\n".utf8
            } else {
                field = .masquerading(held, as: address)
            }
        }
    }

    /// Gives out a field that was held.
    private mutating func endField(_ policy: MessageIntake.Policy, onto output: inout [UInt8]) {
        switch field {
        case .holding(let held):
            rewrite(held, onto: &output) { AddressListParser.qualified($0, with: policy.hostname) }
        case .masquerading(let held, let address):
            rewrite(held, onto: &output) { AddressListParser.masqueraded($0, as: address) }
        case .none, .passing, .dropping:
            break
        }
    }

    private mutating func rewrite(_ held: [UInt8], onto output: inout [UInt8], _ body: ([UInt8]) -> [UInt8]) {
        guard let colon = held.firstIndex(of: UInt8(ascii: ":")) else { return }
        field = .passing
        output += held[...colon]
        output += body(Array(held[colon...].dropFirst()))
    }

    /// Adds the fields every message should have (RFC 6409 sections 8.2 and 8.3).
    private func complete(_ policy: MessageIntake.Policy, onto output: inout [UInt8]) {
        guard policy.completesHeader else { return }
        if !hasDate { output += "Date: \(policy.opened.date.text)\n".utf8 }
        if !hasMessageID {
            let number = String(policy.opened.uniqueNumber, radix: 16)
            let padded = String(repeating: "0", count: 16 - number.utf8.count) + number
            output += "Message-ID: <\(padded)@\(policy.hostname.text)>\n".utf8
        }
    }
}
