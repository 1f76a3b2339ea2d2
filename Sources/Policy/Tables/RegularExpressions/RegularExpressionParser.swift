import MailSyntax

/// The tree of a regular expression.
indirect enum RegularExpressionNode {
    case sequence([RegularExpressionNode])
    case alternatives([RegularExpressionNode])
    /// Nil as the upper bound for any number.
    case repetition(RegularExpressionNode, Int, Int?)
    case byte(ByteSet)
    case assertion(RegularExpression.Assertion)
}

/// Reads the grammar of extended regular expressions (POSIX.1-2017 section 9.5.3).
///
/// Where POSIX leaves a pattern undefined this follows what the C library of GNU does: empty
/// alternatives match nothing, a lone `)` is itself, and an operator without operand is an error.
struct RegularExpressionParser {
    private let bytes: ArraySlice<UInt8>
    private var position: Int
    private let ignoresCase: Bool

    init(_ bytes: ArraySlice<UInt8>, ignoresCase: Bool) {
        self.bytes = bytes
        self.position = bytes.startIndex
        self.ignoresCase = ignoresCase
    }

    private typealias Failure = RegularExpression.SyntaxError

    mutating func parse() throws(RegularExpression.SyntaxError) -> RegularExpressionNode {
        try parseAlternatives(depth: 0)
    }

    private var next: UInt8? { position < bytes.endIndex ? bytes[position] : nil }

    private mutating func take(_ byte: Character) -> Bool {
        guard let next, next == byte.asciiValue else { return false }
        position += 1
        return true
    }

    private mutating func parseAlternatives(depth: Int) throws(Failure) -> RegularExpressionNode {
        guard depth <= RegularExpression.maximumNesting else { throw .nestedTooDeeply }
        var branches = [try parseSequence(depth: depth)]
        while take("|") { branches.append(try parseSequence(depth: depth)) }
        return branches.count == 1 ? branches[0] : .alternatives(branches)
    }

    private mutating func parseSequence(depth: Int) throws(Failure) -> RegularExpressionNode {
        var parts: [RegularExpressionNode] = []
        while let byte = next, byte != UInt8(ascii: "|") {
            if byte == UInt8(ascii: ")"), depth > 0 { break }
            let atom = try parseAtom(depth: depth)
            parts.append(try parseRepetitions(of: atom))
        }
        return .sequence(parts)
    }

    private mutating func parseAtom(depth: Int) throws(Failure) -> RegularExpressionNode {
        guard let byte = next else { return .sequence([]) }
        position += 1
        switch byte {
        case UInt8(ascii: "("):
            let inside = try parseAlternatives(depth: depth + 1)
            guard take(")") else { throw .unbalancedParenthesis }
            return inside
        case UInt8(ascii: "["):
            return .byte(try parseBracket())
        case UInt8(ascii: "."):
            return .byte(.all)
        case UInt8(ascii: "^"):
            return .assertion(.start)
        case UInt8(ascii: "$"):
            return .assertion(.end)
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "{"):
            throw .nothingToRepeat
        case UInt8(ascii: "\\"):
            return try parseEscape()
        default:
            return .byte(literal(byte))
        }
    }

    private func literal(_ byte: UInt8) -> ByteSet {
        ignoresCase ? ByteSet(byte).ignoringCase : ByteSet(byte)
    }

    private mutating func parseEscape() throws(Failure) -> RegularExpressionNode {
        guard let byte = next else { throw .trailingBackslash }
        position += 1
        switch byte {
        case UInt8(ascii: "1")...UInt8(ascii: "9"): throw .backReference
        case UInt8(ascii: "w"): return .byte(Self.word)
        case UInt8(ascii: "W"): return .byte(Self.word.inverted)
        case UInt8(ascii: "s"): return .byte(ByteSet(where: isSpace))
        case UInt8(ascii: "S"): return .byte(ByteSet(where: isSpace).inverted)
        case UInt8(ascii: "b"): return .assertion(.wordBoundary)
        case UInt8(ascii: "B"): return .assertion(.noWordBoundary)
        case UInt8(ascii: "<"): return .assertion(.wordStart)
        case UInt8(ascii: ">"): return .assertion(.wordEnd)
        default: return .byte(literal(byte))
        }
    }

    private static let word = ByteSet(where: isWordByte)

    private mutating func parseRepetitions(
        of atom: RegularExpressionNode
    ) throws(Failure) -> RegularExpressionNode {
        var node = atom
        while true {
            if take("*") {
                node = .repetition(node, 0, nil)
            } else if take("+") {
                node = .repetition(node, 1, nil)
            } else if take("?") {
                node = .repetition(node, 0, 1)
            } else if take("{") {
                node = try parseInterval(of: node)
            } else {
                return node
            }
        }
    }

    /// `m}`, `m,}` or `m,n}`; as GNU does, `,n}` too.
    private mutating func parseInterval(
        of node: RegularExpressionNode
    ) throws(Failure) -> RegularExpressionNode {
        guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "}")) else { throw .malformedInterval }
        let parts = bytes[position..<end].split(
            separator: UInt8(ascii: ","), maxSplits: 1, omittingEmptySubsequences: false)
        position = end + 1
        guard let first = parts.first else { throw .malformedInterval }
        let low: UInt64
        if first.isEmpty && parts.count == 2 && !parts[1].isEmpty {
            low = 0
        } else {
            guard let value = decimal(first) else { throw .malformedInterval }
            low = value
        }
        var high: UInt64? = low
        if parts.count == 2 {
            if parts[1].isEmpty {
                high = nil
            } else {
                guard let value = decimal(parts[1]) else { throw .malformedInterval }
                high = value
            }
        }
        guard low <= high ?? low, max(low, high ?? low) <= RegularExpression.maximumRepetition else {
            throw .malformedInterval
        }
        return .repetition(node, Int(low), high.map { Int($0) })
    }
}

extension RegularExpressionParser {
    /// The rest of a bracket expression after `[` (POSIX.1-2017 section 9.3.5). A backslash is itself here.
    private mutating func parseBracket() throws(Failure) -> ByteSet {
        let isNegated = take("^")
        var set = ByteSet()
        var isFirst = true
        while true {
            guard let byte = next else { throw .unbalancedBracket }
            if byte == UInt8(ascii: "]"), !isFirst {
                position += 1
                break
            }
            isFirst = false
            if let members = try parseClass() {
                if isRangeAhead { throw .malformedRange }
                set = set.union(members)
                continue
            }
            let low = try parseCollatingElement()
            guard isRangeAhead else {
                set.insert(low)
                continue
            }
            position += 1
            if try parseClass() != nil { throw .malformedRange }
            let high = try parseCollatingElement()
            guard low <= high else { throw .reversedRange }
            for member in low...high { set.insert(member) }
        }
        if ignoresCase { set = set.ignoringCase }
        return isNegated ? set.inverted : set
    }

    /// A `-` that is not the last thing before `]`.
    private var isRangeAhead: Bool {
        guard next == UInt8(ascii: "-"), position + 1 < bytes.endIndex else { return false }
        return bytes[position + 1] != UInt8(ascii: "]")
    }

    /// `[:alpha:]` or `[=a=]`, nil for anything else.
    private mutating func parseClass() throws(Failure) -> ByteSet? {
        if let name = try parseDelimited(by: UInt8(ascii: ":")) {
            guard let belongs = Self.classes[String(decoding: name, as: UTF8.self)] else {
                throw .unknownClass(printable(String(decoding: name, as: UTF8.self)))
            }
            return ByteSet(where: belongs)
        }
        if let name = try parseDelimited(by: UInt8(ascii: "=")) {
            guard let byte = name.first, name.count == 1 else { throw .malformedRange }
            return ByteSet(byte)
        }
        return nil
    }

    /// One byte, or `[.x.]`.
    private mutating func parseCollatingElement() throws(Failure) -> UInt8 {
        if let name = try parseDelimited(by: UInt8(ascii: ".")) {
            guard let byte = name.first, name.count == 1 else { throw .malformedRange }
            return byte
        }
        guard let byte = next else { throw .unbalancedBracket }
        position += 1
        return byte
    }

    /// The inside of `[x ... x]` for a mark `x`; nil when no such thing begins here.
    private mutating func parseDelimited(by mark: UInt8) throws(Failure) -> ArraySlice<UInt8>? {
        guard next == UInt8(ascii: "["), position + 1 < bytes.endIndex, bytes[position + 1] == mark else { return nil }
        let start = position + 2
        var end = start
        while end + 1 < bytes.endIndex {
            if bytes[end] == mark, bytes[end + 1] == UInt8(ascii: "]"), end > start {
                position = end + 2
                return bytes[start..<end]
            }
            end += 1
        }
        throw .unbalancedBracket
    }

    private static let classes: [String: @Sendable (UInt8) -> Bool] = [
        "alpha": { isASCIILetter($0) },
        "digit": { isASCIIDigit($0) },
        "alnum": { isASCIIAlphanumeric($0) },
        "upper": { $0 >= 0x41 && $0 <= 0x5A },
        "lower": { $0 >= 0x61 && $0 <= 0x7A },
        "space": { isSpace($0) },
        "blank": { $0 == 0x20 || $0 == 0x09 },
        "punct": { $0 > 0x20 && $0 < 0x7F && !isASCIIAlphanumeric($0) },
        "print": { $0 >= 0x20 && $0 < 0x7F },
        "graph": { $0 > 0x20 && $0 < 0x7F },
        "cntrl": { $0 < 0x20 || $0 == 0x7F },
        "xdigit": { isASCIIDigit($0) || ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x66 },
    ]
}

private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 0x09 && byte <= 0x0D) }

func isWordByte(_ byte: UInt8) -> Bool { isASCIIAlphanumeric(byte) || byte == UInt8(ascii: "_") }
