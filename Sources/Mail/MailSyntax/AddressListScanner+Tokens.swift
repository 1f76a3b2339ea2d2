/// The words, dots and signs an address list is made of (RFC 5322 section 3.2).
extension AddressListScanner {
    /// The longest encoded word recognised, in octets. RFC 2047 section 2 allows 75; writers exceed it.
    /// A bound keeps the look-ahead for its end from growing with the field.
    private static let longestEncodedWord = 255

    /// Reads one token; nil when it was white space or a comment.
    mutating func token() throws(AddressSyntaxError) -> Token? {
        let byte = bytes[position]
        switch byte {
        case 0x20, 0x09, 0x0D, 0x0A:
            position += 1
            return nil
        case UInt8(ascii: "("):
            try comment()
            return nil
        case UInt8(ascii: "\""):
            return .quoted(try delimited(by: UInt8(ascii: "\"")))
        case UInt8(ascii: "["):
            let content = try delimited(by: UInt8(ascii: "]"))
            return .literal((content.lowerBound - 1)..<(content.upperBound + 1))
        case UInt8(ascii: "."):
            position += 1
            return .dot
        case UInt8(ascii: "@"):
            position += 1
            return .at
        default:
            guard isAtomText(byte) else { throw .forbiddenOctet(byte, at: position) }
            let start = position
            position = endOfEncodedWord() ?? endOfAtom()
            return .atom(start..<position)
        }
    }

    private func endOfAtom() -> Int {
        var end = position
        while end < bytes.count, isAtomText(bytes[end]) { end += 1 }
        return end
    }

    /// The offset behind `=?charset?encoding?text?=` when one stands here (RFC 2047 section 2). Its text
    /// should not hold a comma or an `@`, but when it does, it must not look like an address.
    private func endOfEncodedWord() -> Int? {
        guard bytes[position] == UInt8(ascii: "="), position + 1 < bytes.count,
            bytes[position + 1] == UInt8(ascii: "?")
        else { return nil }
        let limit = min(bytes.count, position + Self.longestEncodedWord)
        var marks = 0
        var index = position + 2
        while index < limit {
            let byte = bytes[index]
            guard byte > 0x20, byte != 0x7F else { return nil }
            if byte == UInt8(ascii: "?") {
                marks += 1
                if marks == 3 {
                    guard index + 1 < limit, bytes[index + 1] == UInt8(ascii: "=") else { return nil }
                    return index + 2
                }
            } else if marks < 2, !isAtomText(byte) {
                return nil
            }
            index += 1
        }
        return nil
    }

    /// Reads a quoted string or a domain literal and gives the range of its inside.
    private mutating func delimited(by terminator: UInt8) throws(AddressSyntaxError) -> Range<Int> {
        let start = position + 1
        var index = start
        while index < bytes.count {
            if bytes[index] == terminator {
                position = index + 1
                return start..<index
            }
            index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        position = bytes.count
        throw .unterminatedQuote
    }

    /// Passes a comment with those inside it.
    private mutating func comment() throws(AddressSyntaxError) {
        var depth = 0
        var index = position
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "("): depth += 1
            case UInt8(ascii: ")"): depth -= 1
            case UInt8(ascii: "\\"): index += 1
            default: break
            }
            index += 1
            if depth == 0 {
                position = min(index, bytes.count)
                return
            }
        }
        position = bytes.count
        throw .unterminatedQuote
    }
}
