import MailSyntax

/// An entry of the `netaddr` service: an address, or a network in CIDR notation.
///
/// IPv4 may be cut short (`192.168` means 192.168.0.0/16, one byte of prefix per number written); IPv6
/// may stand in brackets and begin with `IPv6:`. Bits beyond the prefix are ignored, so 10.0.0.1/8 is
/// the network 10.0.0.0/8.
package struct NetworkPattern: Hashable, Sendable {
    /// With all bits beyond the prefix zero.
    package let address: IPAddress
    /// 0 to 32 or 0 to 128.
    package let prefixLength: Int

    /// The network of that size around an address.
    init(_ address: IPAddress, prefixLength: Int) {
        self.address = address.masked(to: prefixLength)
        self.prefixLength = prefixLength
    }

    /// Nil for what is neither an address nor a network.
    package init?(_ text: some Collection<UInt8>) {
        var rest = Array(text)[...]
        var bits: Int?
        if let slash = rest.lastIndex(of: UInt8(ascii: "/")) {
            // `[2001:db8::]/32` and `[2001:db8::/32]` are both in use.
            let isInside = rest.last == UInt8(ascii: "]")
            guard let value = decimal(rest[(slash + 1)...].dropLast(isInside ? 1 : 0)), value <= 128 else { return nil }
            bits = Int(value)
            rest = isInside ? rest[..<slash] + [UInt8(ascii: "]")] : rest[..<slash]
        }
        if let source = SourceAddress(rest) {
            let width = source.address.width
            guard bits ?? width <= width else { return nil }
            address = source.address.masked(to: bits ?? width)
            prefixLength = bits ?? width
        } else if let (value, octets) = Self.shortenedV4(rest) {
            let length = bits ?? octets * 8
            guard length <= 32 else { return nil }
            address = IPAddress.v4(value).masked(to: length)
            prefixLength = length
        } else {
            return nil
        }
    }

    package init?(_ text: String) { self.init(text.utf8) }

    /// True for an address of the same family within the network.
    package func contains(_ other: IPAddress) -> Bool {
        other.width == address.width && other.masked(to: prefixLength) == address
    }

    /// One to three numbers with dots between them.
    private static func shortenedV4(_ bytes: ArraySlice<UInt8>) -> (value: UInt32, octets: Int)? {
        let parts = bytes.split(separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count <= 3 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard part.count <= 3, let octet = decimal(part), octet <= 255 else { return nil }
            value = value << 8 | UInt32(octet)
        }
        return (value << UInt32(8 * (4 - parts.count)), parts.count)
    }
}

extension IPAddress {
    /// 32 or 128.
    package var width: Int {
        switch self {
        case .v4: 32
        case .v6: 128
        }
    }

    /// The address with all bits after the first `bits` zero.
    package func masked(to bits: Int) -> IPAddress {
        // The smart shifts of Swift make a shift by the full width zero, which a prefix of 0 needs.
        switch self {
        case .v4(let value):
            return .v4(value & (UInt32.max << UInt32(max(0, 32 - bits))))
        case .v6(let high, let low):
            return .v6(
                high: high & (UInt64.max << UInt64(max(0, 64 - bits))),
                low: low & (UInt64.max << UInt64(min(64, max(0, 128 - bits)))))
        }
    }
}

/// A number of at most nine decimal digits; nil for anything else.
func decimal(_ bytes: ArraySlice<UInt8>) -> UInt64? {
    guard (1...9).contains(bytes.count) else { return nil }
    var value: UInt64 = 0
    for byte in bytes {
        guard isASCIIDigit(byte) else { return nil }
        value = value * 10 + UInt64(byte - 0x30)
    }
    return value
}
