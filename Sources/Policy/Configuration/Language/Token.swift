/// One token of a configuration and where it was written.
struct Token: Hashable, Sendable {
    var kind: Kind
    var location: SourceLocation
    /// Where it stands in its file: byte offsets.
    var range: Range<Int>
    /// Counts files in the order they were opened; tells two inclusions of one file apart.
    var fileNumber: Int
    /// The macro whose value it came from.
    var macro: String?
    /// The macro's whole value is this token and nothing else.
    var isWholeMacro = false
    /// A quoted string whose bytes were no UTF-8 and have been read as ISO 8859-1.
    var isLatin1 = false

    enum Kind: Hashable, Sendable {
        /// Unquoted: a keyword where it is reserved, else a string.
        case word(String)
        /// Quoted: always a string.
        case quoted(String)
        /// The value and how it was spelled.
        case number(Int64, String)
        /// A single byte with a meaning of its own, or one that has none.
        case mark(UInt8)
        /// `=>`, the same as `=` between key and value.
        case arrow
        case newline
        /// The end of the last file.
        case end
        /// What cannot be a token; the text says why.
        case invalid(String)
    }

    func isMark(_ character: Unicode.Scalar) -> Bool { kind == .mark(UInt8(ascii: character)) }

    /// The token as a message names it.
    var text: String {
        switch kind {
        case .word(let word): "`\(word)`"
        case .quoted(let text): "\"\(text)\""
        case .number(_, let spelling): "`\(spelling)`"
        case .mark(0x0D): "a carriage return"
        case .mark(let byte) where byte > 0x20 && byte < 0x7F: "`\(Character(Unicode.Scalar(byte)))`"
        case .mark(let byte): "byte \(byte)"
        case .arrow: "`=>`"
        case .newline: "the end of the line"
        case .end: "the end of the file"
        case .invalid(let reason): reason
        }
    }
}
