/// What a server offers in its reply to EHLO or LHLO (RFC 5321 section 4.1.1.1).
package struct ServerCapabilities: Hashable, Sendable {
    package var pipelining = false
    package var eightBitMIME = false
    package var smtpUTF8 = false
    package var dsn = false
    package var size = false
    package var startTLS = false
    /// Names behind AUTH, in upper case (RFC 4954 section 3).
    package var authentication: [String] = []
    /// Octets of the largest message taken (RFC 1870 section 4); nil when the server names none.
    package var maximumSize: Int64?

    /// Of a server that knows HELO only.
    package init() {}

    /// Reads the lines behind the first. Unknown keywords are for others.
    package init(_ reply: Reply) {
        for line in reply.lines.dropFirst() {
            let words = line.utf8.split(separator: 0x20)
            guard let keyword = words.first else { continue }
            switch String(decoding: keyword.map(uppercased), as: UTF8.self) {
            case "PIPELINING": pipelining = true
            case "8BITMIME": eightBitMIME = true
            case "SMTPUTF8": smtpUTF8 = true
            case "DSN": dsn = true
            case "STARTTLS": startTLS = true
            case "AUTH":
                authentication += words.dropFirst().map { String(decoding: $0.map(uppercased), as: UTF8.self) }
            case "SIZE":
                size = true
                // Zero stands for no fixed limit.
                maximumSize = words.dropFirst().first.flatMap { decimalValue($0) }.flatMap { $0 > 0 ? $0 : nil }
            default: break
            }
        }
    }
}
