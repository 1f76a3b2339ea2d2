import MailSyntax

// Delays, sizes, ports and names (smtpd.conf(5)).
extension ConfigurationParser {
    /// A delay such as `4d`, in seconds.
    mutating func delay(_ what: String) throws(StatementFailure) -> Int64 {
        let location = token.location
        let text = try string("\(what) such as 4h")
        guard let seconds = Self.seconds(text) else {
            throw fail(at: location, "invalid delay: \(text)", expected: "a whole number and one of s, m, h, d")
        }
        return seconds
    }

    /// A whole number of at least 1 and one unit; nil for anything else and beyond 32 bits.
    static func seconds(_ text: String) -> Int64? {
        guard let unit = text.utf8.last, let count = Int64(digits: text.utf8.dropLast()), count >= 1 else { return nil }
        let length: Int64
        switch unit {
        case UInt8(ascii: "s"): length = 1
        case UInt8(ascii: "m"): length = 60
        case UInt8(ascii: "h"): length = 3_600
        case UInt8(ascii: "d"): length = 86_400
        default: return nil
        }
        let (seconds, overflow) = count.multipliedReportingOverflow(by: length)
        return overflow || seconds > Int64(Int32.max) ? nil : seconds
    }

    /// A size such as 35M, in bytes.
    mutating func size(_ what: String) throws(StatementFailure) -> Int64 {
        let location = token.location
        if case .number(let value, let spelling) = token.kind {
            guard value >= 0 else { throw fail(at: location, "invalid size: \(spelling)", expected: "\(what), not negative") }
            advance()
            return value
        }
        let text = try string("\(what) such as 35M")
        guard let bytes = Self.bytes(text) else {
            throw fail(at: location, "invalid size: \(text)", expected: "a number and one of B, K, M, G, T, P, E")
        }
        return bytes
    }

    /// A decimal number with at most one fraction and one multiplier letter, powers of 1024.
    static func bytes(_ text: String) -> Int64? {
        var digits = text.utf8[...]
        var shift: Int64 = 0
        if let last = digits.last, !isASCIIDigit(last) {
            switch asciiLowercased(last) {
            case UInt8(ascii: "b"): shift = 0
            case UInt8(ascii: "k"): shift = 10
            case UInt8(ascii: "m"): shift = 20
            case UInt8(ascii: "g"): shift = 30
            case UInt8(ascii: "t"): shift = 40
            case UInt8(ascii: "p"): shift = 50
            case UInt8(ascii: "e"): shift = 60
            default: return nil
            }
            digits = digits.dropLast()
        }
        let unit = Int64(1) << shift
        let parts = digits.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first.flatMap({ Int64(digits: $0) }) else { return nil }
        let (bytes, overflow) = whole.multipliedReportingOverflow(by: unit)
        guard !overflow else { return nil }
        guard parts.count == 2 else { return bytes }
        guard !parts[1].isEmpty, parts[1].allSatisfy(isASCIIDigit) else { return nil }
        // Nine digits of a fraction are more than a size needs; the rest cannot change a byte of what fits.
        var fraction: Int64 = 0
        var scale: Int64 = 1
        for digit in parts[1].prefix(9) {
            fraction = fraction * 10 + Int64(digit - 0x30)
            scale *= 10
        }
        // Fits: the fraction is less than the scale, so the quotient is less than the unit.
        let extra = unit.multipliedFullWidth(by: fraction)
        let (total, tooMuch) = bytes.addingReportingOverflow(scale.dividingFullWidth(extra).quotient)
        return tooMuch ? nil : total
    }

    /// A port by number or by the name of a TCP service.
    mutating func port() throws(StatementFailure) -> UInt16 {
        let location = token.location
        if case .number(let value, let spelling) = token.kind {
            let highest: Int64 = generation == .match ? 65_535 : 65_534
            guard (1...highest).contains(value), let port = UInt16(exactly: value) else {
                throw fail(at: location, "invalid port: \(spelling)", expected: "a port from 1 to \(highest)")
            }
            advance()
            return port
        }
        let text: String
        if generation == .match, isKeyword("smtp") || isKeyword("smtps") {
            text = isKeyword("smtp") ? "smtp" : "smtps"
            advance()
        } else if generation == .accept, isKeyword("smtps") {
            text = "smtps"
            advance()
        } else {
            text = try string("a port or the name of a service")
        }
        if let port = environment.port(ofService: text) ?? Self.mailServices[text] { return port }
        throw fail(at: location, "unknown port: \(text)", expected: "a port or the name of a TCP service")
    }

    /// Names a mail server's configuration must be able to use where the system does not know them.
    private static let mailServices: [String: UInt16] = [
        "smtp": 25, "smtps": 465, "ssmtp": 465, "submissions": 465, "submission": 587,
    ]

    /// `*` or a host name, in lower case.
    mutating func identity(_ what: String) throws(StatementFailure) -> String {
        let location = token.location
        let text = try string(what)
        guard text == "*" || Self.isHostName(text) else {
            throw fail(at: location, "not a valid host name: \(text)", expected: "`*` or a host name")
        }
        return Self.lowercased(text)
    }

    static func isHostName(_ text: String) -> Bool {
        // Only whether it is one matters here, not why not.
        guard let domain = try? Domain(validating: Array(text.utf8)) else { return false }
        return !domain.isLiteral && !text.utf8.contains { $0 >= 0x80 }
    }

    static func lowercased(_ text: String) -> String {
        String(decoding: text.utf8.map(asciiLowercased), as: UTF8.self)
    }

    /// The longest name that is told from process to process, in bytes.
    static let maximumName = 1023

    /// The name of something the file declares: the processes tell it each other, and logs and listings show it.
    mutating func newName(_ what: String) throws(StatementFailure) -> String {
        let location = token.location
        let name = try anyName(what)
        try checkName(name, what, at: location)
        return name
    }

    /// Notes a name that no process would take: empty, too long or more than one line.
    mutating func checkName(_ name: String, _ what: String, at location: SourceLocation) throws(StatementFailure) {
        guard (1...Self.maximumName).contains(name.utf8.count) else {
            throw fail(at: location, "\(what) is \(name.isEmpty ? "empty" : "too long")", expected: "1 to \(Self.maximumName) bytes")
        }
        try checkPrintable(name, what, at: location)
    }

    /// Notes a text that would break a line of a log.
    mutating func checkPrintable(_ text: String, _ what: String, at location: SourceLocation) throws(StatementFailure) {
        let isPrintable = text.unicodeScalars.allSatisfy { scalar in
            switch scalar.value {
            case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029: false
            default: true
            }
        }
        guard isPrintable else { throw fail(at: location, "\(what) holds a control character", expected: "one line of printable characters") }
    }

    /// The tag of a listener's or rule's sessions, which may be empty.
    mutating func tag() throws(StatementFailure) -> String {
        let location = token.location
        let tag = try bounded("a tag", Self.maximumTag)
        try checkPrintable(tag, "a tag", at: location)
        return tag
    }

    /// A string with an upper bound on its bytes.
    mutating func bounded(_ what: String, _ limit: Int) throws(StatementFailure) -> String {
        let location = token.location
        let text = try string(what)
        guard text.utf8.count <= limit else {
            throw fail(at: location, "\(what) is too long", expected: "at most \(limit) bytes")
        }
        return text
    }
}

extension Int64 {
    /// Decimal digits only, at least one.
    init?(digits: some Sequence<UInt8>) {
        var value: Int64 = 0
        var isEmpty = true
        for byte in digits {
            guard isASCIIDigit(byte) else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int64(byte - 0x30))
            guard !overflow, !carry else { return nil }
            value = sum
            isEmpty = false
        }
        guard !isEmpty else { return nil }
        self = value
    }
}
