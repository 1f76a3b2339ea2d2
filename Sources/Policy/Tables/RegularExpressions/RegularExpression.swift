/// A POSIX extended regular expression (regex(7)) that answers yes or no in bounded time.
///
/// A pattern becomes a program for a machine that follows all alternatives at once, so that the time
/// is at most length of text times length of program, whatever the pattern. No groups are reported
/// and no back-references taken: nothing here needs them, and they alone need backtracking.
///
/// Text and pattern are bytes; a character beyond ASCII is the sequence of its UTF-8 bytes, and `.`
/// is one of them. The prefix `(?i)` ignores the case of ASCII letters. Of the extensions of GNU, `\w`,
/// `\W`, `\s`, `\S`, `\b`, `\B`, `\<` and `\>` are known.
package struct RegularExpression: Hashable, Sendable {
    /// As it was written.
    package let pattern: String
    let program: [Instruction]

    /// Bytes of a pattern.
    package static let maximumLength = 1024
    /// Instructions of a program: bounds both memory and the time per byte of text.
    package static let maximumInstructions = 2000
    /// Parentheses inside parentheses.
    package static let maximumNesting = 50
    /// The largest number in braces (RE_DUP_MAX of POSIX).
    package static let maximumRepetition: UInt64 = 255

    package enum SyntaxError: Error, Hashable, Sendable {
        case tooLong
        /// The program would exceed ``maximumInstructions``.
        case tooLarge
        case nestedTooDeeply
        case unbalancedParenthesis
        case unbalancedBracket
        case unknownClass(String)
        case reversedRange
        /// A range from or to a class.
        case malformedRange
        /// `{` without a proper interval behind it.
        case malformedInterval
        /// `*`, `+`, `?` or `{` with nothing before it.
        case nothingToRepeat
        case trailingBackslash
        case backReference
    }

    package init(_ pattern: String) throws(SyntaxError) {
        guard pattern.utf8.count <= Self.maximumLength else { throw .tooLong }
        self.pattern = pattern
        var bytes = Array(pattern.utf8)[...]
        let prefix = Array("(?i)".utf8)
        let ignoresCase = bytes.starts(with: prefix)
        if ignoresCase { bytes = bytes.dropFirst(prefix.count) }
        var parser = RegularExpressionParser(bytes, ignoresCase: ignoresCase)
        var compiler = RegularExpressionCompiler()
        program = try compiler.compile(try parser.parse())
    }

    /// One step of the machine.
    enum Instruction: Hashable, Sendable {
        case byte(ByteSet)
        /// Goes on at both places.
        case split(Int, Int)
        case jump(Int)
        case assert(Assertion)
        case match
    }

    enum Assertion: UInt8, Hashable, Sendable {
        case start, end, wordStart, wordEnd, wordBoundary, noWordBoundary
    }
}

/// A set of byte values.
struct ByteSet: Hashable, Sendable {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    init() {}
    init(_ byte: UInt8) { insert(byte) }
    init(where belongs: (UInt8) -> Bool) {
        for byte in UInt8.min...UInt8.max where belongs(byte) { insert(byte) }
    }

    static let all = ByteSet { _ in true }

    func contains(_ byte: UInt8) -> Bool {
        let bit = UInt64(1) << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: return words.0 & bit != 0
        case 1: return words.1 & bit != 0
        case 2: return words.2 & bit != 0
        default: return words.3 & bit != 0
        }
    }

    mutating func insert(_ byte: UInt8) {
        let bit = UInt64(1) << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: words.0 |= bit
        case 1: words.1 |= bit
        case 2: words.2 |= bit
        default: words.3 |= bit
        }
    }

    func union(_ other: ByteSet) -> ByteSet { ByteSet { contains($0) || other.contains($0) } }
    var inverted: ByteSet { ByteSet { !contains($0) } }

    /// With the other case of every ASCII letter in it.
    var ignoringCase: ByteSet {
        ByteSet { byte in
            if contains(byte) { return true }
            let lower = byte | 0x20
            return lower >= 0x61 && lower <= 0x7A && contains(byte ^ 0x20)
        }
    }

    static func == (a: ByteSet, b: ByteSet) -> Bool { a.words == b.words }
    func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }
}
