import Authentication

/// What a server offers in its reply to EHLO or LHLO (RFC 5321 section 4.1.1.1).
package struct ServerCapabilities: Hashable, Sendable {
    package var pipelining = false
    package var eightBitMIME = false
    package var smtpUTF8 = false
    package var dsn = false
    package var startTLS = false
    /// BDAT (RFC 3030).
    package var chunking = false
    package var size = false
    /// Octets of the largest message taken (RFC 1870 section 4); nil when the server names none.
    package var maximumSize: Int64?
    /// Ways to authenticate; those not spoken here are left out.
    package var mechanisms: Set<SASLMechanism> = []

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
            case "CHUNKING": chunking = true
            case "SIZE":
                size = true
                // Zero stands for no fixed limit.
                maximumSize = words.dropFirst().first.flatMap { decimalValue($0) }.flatMap { $0 > 0 ? $0 : nil }
            case "AUTH":
                mechanisms.formUnion(words.dropFirst().compactMap { SASLMechanism(name: $0) })
            case let word where word.hasPrefix("AUTH="):
                // The form of before RFC 2554, which some servers give beside today's for old clients.
                let rest = line.utf8.dropFirst("AUTH=".utf8.count)
                mechanisms.formUnion(rest.split(separator: 0x20).compactMap { SASLMechanism(name: $0) })
            default: break
            }
        }
    }
}
