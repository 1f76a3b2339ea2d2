/// An IPv4 or IPv6 address as a value, read and written without the system's resolver.
package enum IPAddress: Hashable, Sendable {
    /// Four bytes in network order.
    case v4(UInt32)
    /// Sixteen bytes as two halves in network order.
    case v6(high: UInt64, low: UInt64)

    /// Reads `192.0.2.1`, `2001:db8::1` or `::ffff:192.0.2.1`; nil for anything else.
    package init?(_ text: some Collection<UInt8>) {
        let bytes = Array(text)
        if let value = Self.parseV4(bytes[...]) {
            self = .v4(value)
        } else if let (high, low) = Self.parseV6(bytes[...]) {
            self = .v6(high: high, low: low)
        } else {
            return nil
        }
    }

    /// Reads the inside of an address literal: `192.0.2.1`, `IPv6:2001:db8::1` (RFC 5321 section
    /// 4.1.3) and, as OpenSMTPD does, an IPv6 address without its tag.
    package init?(literal text: some Collection<UInt8>) {
        let bytes = Array(text)
        let tag = Array("ipv6:".utf8)
        if bytes.count > tag.count, equalIgnoringASCIICase(bytes[..<tag.count], tag) {
            guard let (high, low) = Self.parseV6(bytes[tag.count...]) else { return nil }
            self = .v6(high: high, low: low)
        } else {
            self.init(bytes)
        }
    }

    private static func parseV4(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        var value: UInt32 = 0
        var octet: UInt32 = 0
        var digits = 0
        var dots = 0
        for byte in bytes {
            if isASCIIDigit(byte) {
                guard digits < 3 else { return nil }
                octet = octet * 10 + UInt32(byte - 0x30)
                digits += 1
            } else if byte == UInt8(ascii: "."), digits > 0, octet <= 255, dots < 3 {
                value = value << 8 | octet
                octet = 0
                digits = 0
                dots += 1
            } else {
                return nil
            }
        }
        guard dots == 3, digits > 0, octet <= 255 else { return nil }
        return value << 8 | octet
    }

    private static func parseV6(_ bytes: ArraySlice<UInt8>) -> (UInt64, UInt64)? {
        var groups: [UInt16] = []
        var gap: Int?
        var rest = bytes
        if rest.starts(with: [UInt8(ascii: ":"), UInt8(ascii: ":")]) {
            gap = 0
            rest = rest.dropFirst(2)
        }
        while !rest.isEmpty {
            guard groups.count < 8 else { return nil }
            let end = rest.firstIndex(of: UInt8(ascii: ":")) ?? rest.endIndex
            let part = rest[..<end]
            if end == rest.endIndex, part.contains(UInt8(ascii: ".")) {
                guard groups.count <= 6, let v4 = parseV4(part) else { return nil }
                groups += [UInt16(v4 >> 16), UInt16(truncatingIfNeeded: v4)]
                rest = rest[end...]
                break
            }
            guard (1...4).contains(part.count), let group = hexadecimal(part) else { return nil }
            groups.append(group)
            rest = rest[end...]
            guard let first = rest.first else { break }
            precondition(first == UInt8(ascii: ":"))
            rest = rest.dropFirst()
            guard let next = rest.first else { return nil }
            if next == UInt8(ascii: ":") {
                guard gap == nil else { return nil }
                gap = groups.count
                rest = rest.dropFirst()
            }
        }
        guard groups.count <= 8 else { return nil }
        if let gap {
            guard groups.count < 8 else { return nil }
            groups.insert(contentsOf: [UInt16](repeating: 0, count: 8 - groups.count), at: gap)
        }
        guard groups.count == 8 else { return nil }
        let high = groups[..<4].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
        let low = groups[4...].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
        return (high, low)
    }

    private static func hexadecimal(_ bytes: ArraySlice<UInt8>) -> UInt16? {
        var value: UInt16 = 0
        for byte in bytes {
            let lower = byte | 0x20
            if isASCIIDigit(byte) {
                value = value << 4 | UInt16(byte - 0x30)
            } else if lower >= 0x61 && lower <= 0x66 {
                value = value << 4 | UInt16(lower - 0x61 + 10)
            } else {
                return nil
            }
        }
        return value
    }
}

extension IPAddress: CustomStringConvertible {
    /// The usual text, IPv6 shortened as RFC 5952 says, without brackets.
    package var description: String {
        switch self {
        case .v4(let value):
            return "\(value >> 24).\(value >> 16 & 255).\(value >> 8 & 255).\(value & 255)"
        case .v6(let high, let low):
            let groups = (0..<8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> UInt64((3 - $0 % 4) * 16)) }
            var best = 0..<0
            var start = 0
            while start < 8 {
                var end = start
                while end < 8, groups[end] == 0 { end += 1 }
                if end - start > best.count, end - start > 1 { best = start..<end }
                start = max(end, start + 1)
            }
            func text(_ part: ArraySlice<UInt16>) -> String {
                part.map { String($0, radix: 16) }.joined(separator: ":")
            }
            if best.isEmpty { return text(groups[...]) }
            return text(groups[..<best.lowerBound]) + "::" + text(groups[best.upperBound...])
        }
    }

    /// The text as SMTP and the tables write it: IPv6 in brackets.
    package var bracketed: String {
        switch self {
        case .v4: description
        case .v6: "[\(description)]"
        }
    }
}
