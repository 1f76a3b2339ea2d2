import MailSyntax

/// When a greylisting server wants to see a message again, as far as its words tell.
package enum RetryHint {
    /// Hints beyond this are left to the ordinary retries, in seconds.
    package static let maximum: Int64 = 4 * 3_600

    /// Finds a number before a unit of time (`300 seconds`, `5 min`, `60s`) or a time of day's form
    /// (`00:04:59`) in a temporary reply that speaks of trying again or of greylisting.
    ///
    /// - Returns: Seconds, 1 to ``maximum``; nil when there is no such hint. Of several the first one counts.
    package static func seconds(in reply: String) -> Int64? {
        let bytes = reply.utf8.prefix(1_000).map(asciiLowercased)
        guard Self.speaksOfRetry(bytes) else { return nil }
        var position = 0
        while position < bytes.count {
            guard isASCIIDigit(bytes[position]) else {
                position += 1
                continue
            }
            let start = position
            while position < bytes.count, isASCIIDigit(bytes[position]) || bytes[position] == UInt8(ascii: ":") { position += 1 }
            if start > 0, isASCIIAlphanumeric(bytes[start - 1]) || bytes[start - 1] == UInt8(ascii: ".") { continue }
            let token = bytes[start..<position]
            let seconds = token.contains(UInt8(ascii: ":")) ? clock(token) : quantity(token, before: bytes[position...])
            if let seconds, (1...maximum).contains(seconds) { return seconds }
        }
        return nil
    }

    private static let cues = ["again", "retry", "greylist", "graylist", "come back", "wait", "defer", "later"]

    private static func speaksOfRetry(_ bytes: [UInt8]) -> Bool {
        cues.contains { cue in
            let cue = Array(cue.utf8)
            return bytes.count >= cue.count
                && (0...(bytes.count - cue.count)).contains { bytes[$0...].starts(with: cue) }
        }
    }

    /// `MM:SS` or `HH:MM:SS`.
    private static func clock(_ token: ArraySlice<UInt8>) -> Int64? {
        let parts = token.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count) else { return nil }
        var seconds: Int64 = 0
        for part in parts {
            guard (1...2).contains(part.count), let value = number(part) else { return nil }
            seconds = seconds * 60 + value
        }
        return seconds
    }

    private static func quantity(_ token: ArraySlice<UInt8>, before rest: ArraySlice<UInt8>) -> Int64? {
        guard let value = number(token) else { return nil }
        let unit = rest.drop { $0 == UInt8(ascii: " ") }.prefix { isASCIILetter($0) }
        switch String(decoding: unit, as: UTF8.self) {
        case "s", "sec", "secs", "second", "seconds": return value
        case "m", "min", "mins", "minute", "minutes": return value * 60
        case "h", "hour", "hours": return value * 3_600
        default: return nil
        }
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int64? {
        guard (1...6).contains(digits.count), digits.allSatisfy(isASCIIDigit) else { return nil }
        return digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }
}
