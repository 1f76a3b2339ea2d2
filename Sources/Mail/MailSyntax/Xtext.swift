/// The encoding of ESMTP parameter values (RFC 3461 section 4): printable ASCII, the rest as `+` and two
/// hexadecimal digits.
package enum Xtext {
    package static func encoded(_ bytes: [UInt8]) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        for byte in bytes {
            if isPlain(byte) {
                result.append(byte)
            } else {
                result += [UInt8(ascii: "+"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return result
    }

    /// The octets a value stands for; nil when it is not xtext. Small hexadecimal digits are taken too.
    package static func decoded(_ text: some Collection<UInt8>) -> [UInt8]? {
        var result: [UInt8] = []
        var rest = text.makeIterator()
        while let byte = rest.next() {
            if byte == UInt8(ascii: "+") {
                guard let high = rest.next().flatMap(digitValue), let low = rest.next().flatMap(digitValue) else {
                    return nil
                }
                result.append(high << 4 | low)
            } else {
                guard isPlain(byte) else { return nil }
                result.append(byte)
            }
        }
        return result
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "+") && byte != UInt8(ascii: "=")
    }

    private static func digitValue(_ byte: UInt8) -> UInt8? {
        if isASCIIDigit(byte) { return byte - UInt8(ascii: "0") }
        let lower = byte | 0x20
        guard lower >= UInt8(ascii: "a"), lower <= UInt8(ascii: "f") else { return nil }
        return lower - UInt8(ascii: "a") + 10
    }
}
