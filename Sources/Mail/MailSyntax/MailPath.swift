/// Reads the paths of MAIL and RCPT (RFC 5321 section 4.1.2) and plain `user@domain` text.
package enum MailPath {
    /// Reads the reverse path at the start of `bytes`; only it may be `<>`.
    ///
    /// - Parameters:
    ///   - bytes: The path with its angle brackets, and whatever follows it.
    ///   - domain: Completes an address that has no domain; without it such an address is refused.
    /// - Returns: The path, and the octets behind its `>`.
    package static func reversePath(
        _ bytes: ArraySlice<UInt8>, completedBy domain: Domain?
    ) throws(AddressSyntaxError) -> (path: ReversePath, rest: ArraySlice<UInt8>) {
        if bytes.starts(with: [UInt8(ascii: "<"), UInt8(ascii: ">")]) { return (.null, bytes.dropFirst(2)) }
        let (address, rest) = try forwardPath(bytes, completedBy: domain)
        return (.mailbox(address), rest)
    }

    /// Reads the forward path at the start of `bytes`. A source route is dropped (section 4.1.1.3), and
    /// `<postmaster>`, like every local part without a domain, is completed.
    package static func forwardPath(
        _ bytes: ArraySlice<UInt8>, completedBy domain: Domain?
    ) throws(AddressSyntaxError) -> (address: MailAddress, rest: ArraySlice<UInt8>) {
        guard bytes.first == UInt8(ascii: "<") else { throw .malformedPath }
        var rest = bytes.dropFirst()
        if rest.first == UInt8(ascii: "@") { rest = try dropSourceRoute(rest) }
        let localPart = try readLocalPart(&rest)
        if rest.first == UInt8(ascii: ">"), let domain {
            return (MailAddress(localPart, at: domain), rest.dropFirst())
        }
        guard rest.first == UInt8(ascii: "@") else { throw rest.first == UInt8(ascii: ">") ? .emptyDomain : .malformedPath }
        rest = rest.dropFirst()
        guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { throw .malformedPath }
        let address = MailAddress(localPart, at: try Domain(validating: Array(rest[..<end])))
        return (address, rest[end...].dropFirst())
    }

    /// Goes behind the `:` of `@relay,@relay:`, checking each name.
    private static func dropSourceRoute(
        _ bytes: ArraySlice<UInt8>
    ) throws(AddressSyntaxError) -> ArraySlice<UInt8> {
        var rest = bytes
        while rest.first == UInt8(ascii: "@") {
            rest = rest.dropFirst()
            guard let end = endOfRelay(rest) else { throw .malformedPath }
            _ = try Domain(validating: Array(rest[..<end]))
            let separator = rest[end]
            rest = rest[end...].dropFirst()
            if separator == UInt8(ascii: ":") { return rest }
        }
        throw .malformedPath
    }

    /// The comma or colon behind a relay's name; the colons inside an address literal are part of it.
    private static func endOfRelay(_ bytes: ArraySlice<UInt8>) -> Int? {
        var isInLiteral = false
        for index in bytes.indices {
            switch bytes[index] {
            case UInt8(ascii: "["): isInLiteral = true
            case UInt8(ascii: "]"): isInLiteral = false
            case UInt8(ascii: ","), UInt8(ascii: ":"):
                if !isInLiteral { return index }
            case UInt8(ascii: ">"): return nil
            default: break
            }
        }
        return nil
    }

    /// Takes a dot-string or a quoted string from the front of `rest`.
    static func readLocalPart(_ rest: inout ArraySlice<UInt8>) throws(AddressSyntaxError) -> LocalPart {
        if rest.first == UInt8(ascii: "\"") { return try readQuotedString(&rest) }
        let end =
            rest.firstIndex { !isAtomText($0) && $0 != UInt8(ascii: ".") } ?? rest.endIndex
        let text = Array(rest[..<end])
        if end < rest.endIndex, rest[end] != UInt8(ascii: "@"), rest[end] != UInt8(ascii: ">") {
            throw .forbiddenOctet(rest[end], at: text.count)
        }
        let localPart = try LocalPart(validating: text)
        guard isDotString(text) else { throw .forbiddenOctet(UInt8(ascii: "."), at: misplacedDot(text)) }
        rest = rest[end...]
        return localPart
    }

    private static func misplacedDot(_ text: [UInt8]) -> Int {
        var previous = UInt8(ascii: ".")
        for (offset, byte) in text.enumerated() {
            if byte == UInt8(ascii: "."), previous == byte { return offset }
            previous = byte
        }
        return text.count - 1
    }

    private static func readQuotedString(
        _ rest: inout ArraySlice<UInt8>
    ) throws(AddressSyntaxError) -> LocalPart {
        var content: [UInt8] = []
        var index = rest.startIndex + 1
        while index < rest.endIndex {
            let byte = rest[index]
            index += 1
            if byte == UInt8(ascii: "\"") {
                rest = rest[index...]
                return try LocalPart(validating: content)
            }
            if byte == UInt8(ascii: "\\") {
                guard index < rest.endIndex else { break }
                content.append(rest[index])
                index += 1
            } else {
                content.append(byte)
            }
        }
        throw .unterminatedQuote
    }
}

extension MailAddress {
    /// Reads `user@domain` or `user` as tables, aliases and command lines write it, without brackets.
    ///
    /// - Parameter domain: Completes text without a domain; without it such text is refused.
    package init(parsing text: [UInt8], completedBy domain: Domain? = nil) throws(AddressSyntaxError) {
        var rest = text[...]
        let localPart = try MailPath.readLocalPart(&rest)
        switch rest.first {
        case nil:
            guard let domain else { throw .emptyDomain }
            self.init(localPart, at: domain)
        case UInt8(ascii: "@"):
            self.init(localPart, at: try Domain(validating: Array(rest.dropFirst())))
        default:
            throw .malformedPath
        }
    }
}
