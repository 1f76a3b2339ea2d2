/// Walks an address list item by item, keeping the offsets that rewriting needs.
struct AddressListScanner {
    /// An address as it was found; without a domain when the text has none.
    struct Found {
        let localPart: LocalPart
        let domain: Domain?
        /// The offset just behind the address's last word: where a missing domain belongs.
        let end: Int
    }

    /// A lexical piece of an item; comments and white space leave none.
    enum Token {
        case atom(Range<Int>)
        /// The octets between the quotes.
        case quoted(Range<Int>)
        /// `[...]` with its brackets.
        case literal(Range<Int>)
        case dot
        case at
        /// Legal only in a source route.
        case comma
    }

    let bytes: [UInt8]
    var position = 0
    private var isInGroup = false

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The next item that is not empty, nil at the end of the list.
    mutating func next() -> Result<Found, AddressListParser.Mistake>? {
        while position < bytes.count {
            let start = position
            do throws(AddressSyntaxError) {
                if let found = try item() { return .success(found) }
            } catch {
                skipItem()
                return .failure(.init(range: start..<position, reason: error))
            }
        }
        return nil
    }

    /// Reads up to and with the next separator; nil for an empty item and for the name of a group.
    private mutating func item() throws(AddressSyntaxError) -> Found? {
        var tokens: [Token] = []
        var end = position
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: ","):
                let found = try addressIfAny(tokens, end: end)
                position += 1
                return found
            case UInt8(ascii: ";"):
                let found = try addressIfAny(tokens, end: end)
                position += 1
                isInGroup = false
                return found
            case UInt8(ascii: ":"):
                // The tokens so far are the group's display name, which may hold anything but an address.
                guard !isInGroup, !tokens.isEmpty, !tokens.contains(where: { if case .at = $0 { true } else { false } })
                else { throw .malformedPath }
                position += 1
                isInGroup = true
                return nil
            case UInt8(ascii: "<"):
                // What stood before is the display name. Writers put dots, `@` and worse into it.
                position += 1
                let found = try angleAddress()
                try endOfItem()
                return found
            default:
                if let token = try self.token() {
                    tokens.append(token)
                    end = position
                }
            }
        }
        return try addressIfAny(tokens, end: end)
    }

    /// Reads the inside of `<...>`, with its `>`.
    private mutating func angleAddress() throws(AddressSyntaxError) -> Found {
        var tokens: [Token] = []
        var end = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: ">"):
                position += 1
                return try address(tokens, end: end)
            case UInt8(ascii: ":"):
                // The end of a source route (RFC 5322 section 4.4), which is not used.
                guard case .at? = tokens.first else { throw .malformedPath }
                position += 1
                tokens.removeAll()
            case UInt8(ascii: ","):
                guard case .at? = tokens.first else { throw .malformedPath }
                position += 1
                tokens.append(.comma)
            default:
                if let token = try self.token() {
                    tokens.append(token)
                    end = position
                }
            }
        }
        throw .malformedPath
    }

    /// Checks that only comments stand between `>` and the separator, and passes the separator.
    private mutating func endOfItem() throws(AddressSyntaxError) {
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: ","):
                position += 1
                return
            case UInt8(ascii: ";"):
                position += 1
                isInGroup = false
                return
            case UInt8(ascii: "<"):
                throw .malformedPath
            default:
                if try self.token() != nil { throw .malformedPath }
            }
        }
    }

    /// Goes behind the separator that ends a wrong item.
    private mutating func skipItem() {
        while position < bytes.count {
            let before = position
            switch bytes[position] {
            case UInt8(ascii: ","):
                position += 1
                return
            case UInt8(ascii: ";"):
                position += 1
                isInGroup = false
                return
            default:
                do throws(AddressSyntaxError) { _ = try self.token() } catch {
                    // The item is already reported; a byte that starts no token is passed.
                    position = max(position, before + 1)
                }
            }
        }
    }
}

// MARK: Addresses

extension AddressListScanner {
    private func addressIfAny(_ tokens: [Token], end: Int) throws(AddressSyntaxError) -> Found? {
        tokens.isEmpty ? nil : try address(tokens, end: end)
    }

    /// Makes an address of `local-part [@ domain]`; `end` is the offset behind the last token.
    private func address(_ tokens: [Token], end: Int) throws(AddressSyntaxError) -> Found {
        var local: [UInt8] = []
        var rest = tokens[...]
        var wordMayFollow = true
        while let token = rest.first {
            switch token {
            case .atom(let range):
                guard wordMayFollow else { throw .malformedPath }
                // An encoded word may hold more than an atom, but then it is a piece of a phrase.
                if let offset = range.first(where: { !isAtomText(bytes[$0]) }) {
                    throw .forbiddenOctet(bytes[offset], at: offset - range.lowerBound)
                }
                local += bytes[range]
                wordMayFollow = false
            case .quoted(let range):
                guard wordMayFollow else { throw .malformedPath }
                local += unquoted(range)
                wordMayFollow = false
            case .dot:
                local.append(UInt8(ascii: "."))
                wordMayFollow = true
            case .at:
                let domain = try self.domain(rest.dropFirst())
                return Found(localPart: try LocalPart(validating: local), domain: domain, end: end)
            case .literal, .comma:
                throw .malformedPath
            }
            rest = rest.dropFirst()
        }
        return Found(localPart: try LocalPart(validating: local), domain: nil, end: end)
    }

    private func domain(_ tokens: ArraySlice<Token>) throws(AddressSyntaxError) -> Domain {
        var domain: [UInt8] = []
        var wordMayFollow = true
        for token in tokens {
            switch token {
            case .atom(let range):
                guard wordMayFollow else { throw .malformedDomain }
                domain += bytes[range]
                wordMayFollow = false
            case .literal(let range):
                guard domain.isEmpty else { throw .malformedDomain }
                domain += bytes[range]
                wordMayFollow = false
            case .dot:
                domain.append(UInt8(ascii: "."))
                wordMayFollow = true
            case .quoted, .at, .comma:
                throw .malformedDomain
            }
        }
        return try Domain(validating: domain)
    }

    /// What a quoted string stands for: without the backslashes of its pairs and without folding.
    private func unquoted(_ range: Range<Int>) -> [UInt8] {
        var result: [UInt8] = []
        var index = range.lowerBound
        while index < range.upperBound {
            var byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "\\"), index < range.upperBound {
                byte = bytes[index]
                index += 1
            } else if byte == 0x0D || byte == 0x0A {
                continue
            }
            result.append(byte)
        }
        return result
    }
}
