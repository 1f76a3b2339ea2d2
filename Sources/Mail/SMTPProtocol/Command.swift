/// One command line of an SMTP client, taken apart as far as the verb says (RFC 5321 section 4.1.1).
package enum Command: Hashable, Sendable {
    case helo(name: [UInt8])
    case ehlo(name: [UInt8])
    case startTLS
    /// The name of a mechanism and what follows it, both as the client wrote them.
    case auth(mechanism: [UInt8], initialResponse: [UInt8]?)
    /// What follows `MAIL FROM:`.
    case mail([UInt8])
    /// What follows `RCPT TO:`.
    case rcpt([UInt8])
    case data
    /// `BDAT size [LAST]` (RFC 3030 section 2); `size` octets follow the line.
    case bdat(size: Int64, isLast: Bool)
    case rset
    case quit
    case noop
    case help
    case vrfy
    case expn
    case wiz

    /// Why a line is no command.
    package enum SyntaxError: Error, Hashable, Sendable {
        case unrecognized
        /// HELO or EHLO without a name.
        case missingName(verb: String)
        /// A command that takes arguments, without any.
        case missingArgument
        /// A command that takes none, with one.
        case unexpectedArgument
        /// AUTH with more than a mechanism and an initial response.
        case malformedAuthentication
        /// MAIL or RCPT without its `FROM:` or `TO:`.
        case malformedPathCommand(expected: String)
        /// BDAT whose size cannot be read: where the next command begins is unknown.
        case malformedChunk
    }

    /// Reads a line without its line end. Verbs are recognised in any case; white space at the end is ignored.
    package init(parsing line: ArraySlice<UInt8>) throws(SyntaxError) {
        let end = line.lastIndex { $0 != 0x20 }.map { $0 + 1 } ?? line.startIndex
        let line = line[..<end]
        let verbEnd = line.firstIndex(of: 0x20) ?? line.endIndex
        guard verbEnd - line.startIndex <= 8 else { throw .unrecognized }
        let arguments = line[verbEnd...].drop { $0 == 0x20 }
        switch String(decoding: line[..<verbEnd].map(uppercased), as: UTF8.self) {
        case "HELO":
            guard !arguments.isEmpty else { throw .missingName(verb: "HELO") }
            self = .helo(name: Array(arguments))
        case "EHLO":
            guard !arguments.isEmpty else { throw .missingName(verb: "EHLO") }
            self = .ehlo(name: Array(arguments))
        case "STARTTLS": self = try Self.bare(.startTLS, arguments)
        case "AUTH":
            guard !arguments.isEmpty else { throw .missingArgument }
            self = try Self.authentication(arguments)
        case "MAIL": self = .mail(try Self.path(after: "FROM:", arguments))
        case "RCPT": self = .rcpt(try Self.path(after: "TO:", arguments))
        case "DATA": self = try Self.bare(.data, arguments)
        case "BDAT": self = try Self.chunk(arguments)
        case "RSET": self = try Self.bare(.rset, arguments)
        case "QUIT": self = try Self.bare(.quit, arguments)
        case "NOOP": self = .noop
        case "HELP": self = .help
        case "VRFY":
            guard !arguments.isEmpty else { throw .missingArgument }
            self = .vrfy
        case "EXPN":
            guard !arguments.isEmpty else { throw .missingArgument }
            self = .expn
        case "WIZ": self = .wiz
        default: throw .unrecognized
        }
    }

    /// `AUTH mechanism [initial-response]` (RFC 4954 section 4).
    private static func authentication(_ arguments: ArraySlice<UInt8>) throws(SyntaxError) -> Command {
        let words = arguments.split(separator: 0x20)
        guard let mechanism = words.first, words.count <= 2 else { throw .malformedAuthentication }
        return .auth(mechanism: Array(mechanism), initialResponse: words.count == 2 ? Array(words[1]) : nil)
    }

    private static func bare(_ command: Command, _ arguments: ArraySlice<UInt8>) throws(SyntaxError) -> Command {
        guard arguments.isEmpty else { throw .unexpectedArgument }
        return command
    }

    /// White space behind the colon is not legal and very common.
    private static func path(after keyword: String, _ arguments: ArraySlice<UInt8>) throws(SyntaxError) -> [UInt8] {
        let prefix = arguments.prefix(keyword.utf8.count).map(uppercased)
        guard prefix.elementsEqual(keyword.utf8) else { throw .malformedPathCommand(expected: keyword) }
        return Array(arguments.dropFirst(prefix.count).drop { $0 == 0x20 })
    }

    private static func chunk(_ arguments: ArraySlice<UInt8>) throws(SyntaxError) -> Command {
        let words = arguments.split(separator: 0x20)
        guard let first = words.first, words.count <= 2, let size = decimalValue(first) else { throw .malformedChunk }
        guard words.count == 2 else { return .bdat(size: size, isLast: false) }
        guard words[1].map(uppercased).elementsEqual("LAST".utf8) else { throw .malformedChunk }
        return .bdat(size: size, isLast: true)
    }
}

func uppercased(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") ? byte - 0x20 : byte
}

/// The value of one or more decimal digits; nil for anything else and above 2^63 - 1.
func decimalValue(_ digits: some Collection<UInt8>) -> Int64? {
    guard !digits.isEmpty else { return nil }
    var value: Int64 = 0
    for digit in digits {
        guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") else { return nil }
        let (product, overflow) = value.multipliedReportingOverflow(by: 10)
        let (sum, carry) = product.addingReportingOverflow(Int64(digit - UInt8(ascii: "0")))
        guard !overflow, !carry else { return nil }
        value = sum
    }
    return value
}
