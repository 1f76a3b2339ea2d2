/// A mailbox: a local part at a domain (RFC 5321 section 4.1.2), always complete.
///
/// Addresses without a domain exist only before parsing; whoever parses completes them with a
/// domain of its own, so that no later code meets half an address.
package struct MailAddress: Hashable, Sendable {
    package let localPart: LocalPart
    package let domain: Domain

    package init(_ localPart: LocalPart, at domain: Domain) {
        self.localPart = localPart
        self.domain = domain
    }

    /// The address as it stands between angle brackets, its local part quoted where the grammar
    /// of a dot-string does not hold it.
    package var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(localPart.bytes.count + domain.bytes.count + 3)
        result += localPart.quoted
        result.append(UInt8(ascii: "@"))
        result += domain.bytes
        return result
    }

    package var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// True for one or more atoms with single dots between them (RFC 5321 section 4.1.2), bytes of
/// UTF-8 counted as atom text (RFC 6531 section 3.3).
package func isDotString(_ bytes: [UInt8]) -> Bool {
    var previous = UInt8(ascii: ".")
    for byte in bytes {
        if byte == UInt8(ascii: ".") {
            guard previous != UInt8(ascii: ".") else { return false }
        } else {
            guard isAtomText(byte) else { return false }
        }
        previous = byte
    }
    return previous != UInt8(ascii: ".")
}

/// A byte of an atom (RFC 5322 section 3.2.3, RFC 6532 section 3.2).
package func isAtomText(_ byte: UInt8) -> Bool {
    if isASCIIAlphanumeric(byte) || byte >= 0x80 { return true }
    switch byte {
    case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
        UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "/"),
        UInt8(ascii: "="), UInt8(ascii: "?"), UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"),
        UInt8(ascii: "{"), UInt8(ascii: "|"), UInt8(ascii: "}"), UInt8(ascii: "~"):
        return true
    default:
        return false
    }
}

/// Where reports about a message go: a mailbox, or nowhere (RFC 5321 section 4.5.5).
package enum ReversePath: Hashable, Sendable {
    /// `<>`, the sender of notifications, which are never answered.
    case null
    case mailbox(MailAddress)

    /// The address, nil for the null reverse path.
    package var address: MailAddress? {
        switch self {
        case .null: nil
        case .mailbox(let address): address
        }
    }

    /// What stands between the angle brackets: empty for the null reverse path.
    package var text: String { address?.text ?? "" }
}
