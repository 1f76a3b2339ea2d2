/// A domain name as the DNS compares it: labels of any octets, ASCII letters in lower case (RFC 1035 section
/// 3.1, RFC 4343).
///
/// Kept in the form of messages, each label behind its length and an empty one at the end, so that it is hashed,
/// compared and sent as it is.
package struct DNSName: Hashable, Sendable {
    /// The form of messages, without compression: 1 to ``maximumLength`` octets.
    package let wire: [UInt8]

    /// The longest name, in octets of ``wire`` (RFC 1035 section 2.3.4).
    package static let maximumLength = 255
    /// The longest label, in octets (RFC 1035 section 2.3.4).
    package static let maximumLabel = 63

    /// The name above all others.
    package static let root = DNSName(checkedWire: [0])

    /// From octets that a parser has checked.
    init(checkedWire wire: [UInt8]) { self.wire = wire }

    /// From labels; nil for an empty or too long one, or too many.
    package init?(labels: [[UInt8]]) {
        var wire: [UInt8] = []
        for label in labels {
            guard (1...Self.maximumLabel).contains(label.count) else { return nil }
            wire.append(UInt8(label.count))
            for octet in label { wire.append(lowercased(octet)) }
        }
        wire.append(0)
        guard wire.count <= Self.maximumLength else { return nil }
        self.wire = wire
    }

    /// From labels with dots between them, and perhaps one at the end; a lone dot is the root. There are no
    /// escapes: every octet but the dot stands for itself.
    ///
    /// - Returns: Nil for no octet at all, an empty label, and what is too long.
    package init?(_ text: some Collection<UInt8>) {
        var octets = text[...]
        guard !octets.isEmpty else { return nil }
        if octets.elementsEqual([UInt8(ascii: ".")]) {
            self = .root
            return
        }
        if Array(octets.suffix(1)) == [UInt8(ascii: ".")] { octets = octets.dropLast() }
        self.init(labels: octets.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map { Array($0) })
    }

    /// The name that reverse lookup asks for: four octets below `in-addr.arpa` (RFC 1035 section 3.5), sixteen
    /// below `ip6.arpa` (RFC 3596 section 2.5); nil for another number of octets.
    package init?(reverseOf address: [UInt8]) {
        var labels: [[UInt8]]
        switch address.count {
        case 4:
            labels = address.reversed().map { Array(String($0).utf8) }
            labels.append(Array("in-addr".utf8))
        case 16:
            labels = address.reversed().flatMap { octet in
                [octet & 15, octet >> 4].map { Array(String($0, radix: 16).utf8) }
            }
            labels.append(Array("ip6".utf8))
        default: return nil
        }
        labels.append(Array("arpa".utf8))
        self.init(labels: labels)
    }

    /// From the top down: none for the root.
    package var labels: [ArraySlice<UInt8>] {
        var labels: [ArraySlice<UInt8>] = []
        var start = 0
        while start < wire.count, wire[start] > 0 {
            let end = start + 1 + Int(wire[start])
            labels.append(wire[(start + 1)..<end])
            start = end
        }
        return labels
    }

    package var isRoot: Bool { wire == [0] }

    /// The name with another behind it; nil when that is too long.
    package func appending(_ other: DNSName) -> DNSName? {
        let joined = wire.dropLast() + other.wire
        return joined.count <= Self.maximumLength ? DNSName(checkedWire: Array(joined)) : nil
    }

    /// True for the name itself and for those below it.
    package func isWithin(_ other: DNSName) -> Bool {
        let own = labels, above = other.labels
        return own.count >= above.count && own.suffix(above.count).elementsEqual(above)
    }

    /// Without a dot at the end, if it could be a host's: letters, digits, hyphens within labels, and the
    /// underscores that some hosts have. Nil for the root and for everything else: a name from a message may hold
    /// any octet, and must not reach a log, a header or a comparison with such.
    package var hostName: [UInt8]? {
        var text: [UInt8] = []
        for label in labels {
            guard label.first != UInt8(ascii: "-"), label.last != UInt8(ascii: "-"), label.allSatisfy(isOfHostName) else {
                return nil
            }
            if !text.isEmpty { text.append(UInt8(ascii: ".")) }
            text += label
        }
        return text.isEmpty ? nil : text
    }
}

extension DNSName: CustomStringConvertible {
    /// For the log: octets that are not of a host name as `\DDD` (RFC 1035 section 5.1).
    package var description: String {
        if isRoot { return "." }
        return labels.map { label in
            label.map { octet in
                if isOfHostName(octet) { return String(UnicodeScalar(octet)) }
                let digits = String(octet)
                return "\\" + String(repeating: "0", count: 3 - digits.utf8.count) + digits
            }.joined()
        }.joined(separator: ".")
    }
}

/// In lower case if it is an ASCII letter.
func lowercased(_ octet: UInt8) -> UInt8 { isLetter(octet) ? octet | 0x20 : octet }

/// An ASCII letter.
func isLetter(_ octet: UInt8) -> Bool { (0x61...0x7A).contains(octet | 0x20) }

private func isOfHostName(_ octet: UInt8) -> Bool {
    isLetter(octet) || (0x30...0x39).contains(octet) || octet == UInt8(ascii: "-") || octet == UInt8(ascii: "_")
}
