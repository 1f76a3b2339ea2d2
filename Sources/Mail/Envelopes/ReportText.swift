import MailSyntax

/// Text of others made fit for a report or a listing: no control characters, no line ends of its own,
/// lines of a bounded length.
enum ReportText {
    /// The width lines are folded at where a space allows it (RFC 5322 section 2.1.1).
    static let width = 78
    /// What no line exceeds, less a little (RFC 5322 section 2.1.1 allows 998).
    static let hardWidth = 990
    /// The longest text of others that a report repeats, in bytes; the rest is cut off.
    static let maximumLength = 2_000

    /// One line: runs of blanks and line ends become one space, control characters `?`, and what is not
    /// ASCII `?` too unless it may stay.
    static func line(_ text: String, allowingUTF8: Bool) -> String {
        var result = ""
        var length = 0
        var owesSpace = false
        for scalar in text.unicodeScalars {
            if scalar == " " || scalar == "\t" || scalar == "\n" || scalar == "\r" {
                owesSpace = !result.isEmpty
                continue
            }
            if owesSpace {
                result.unicodeScalars.append(" ")
                length += 1
                owesSpace = false
            }
            let kept: Unicode.Scalar = isControl(scalar) || (!allowingUTF8 && !scalar.isASCII) ? "?" : scalar
            length += UTF8.width(kept)
            guard length <= maximumLength else { break }
            result.unicodeScalars.append(kept)
        }
        return result
    }

    /// The text with each control character, and what is not ASCII unless it may stay, replaced by `?`; for addresses,
    /// in which the number of spaces matters.
    static func clean(_ text: String, allowingUTF8: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            result.unicodeScalars.append(isControl(scalar) || (!allowingUTF8 && !scalar.isASCII) ? "?" : scalar)
        }
        return result
    }

    /// C0, DEL, C1 and the line separators of Unicode.
    static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029: true
        default: false
        }
    }

    /// Words with single spaces between them, in lines of at most ``width`` where words allow it and of
    /// ``hardWidth`` in any case. All but the first line begin with `indent`.
    static func folded(_ text: String, after lead: String, indent: String = " ") -> [UInt8] {
        var result = Array(lead.utf8)
        var column = result.count
        var isFirst = true
        for word in text.utf8.split(separator: UInt8(ascii: " ")) {
            var rest = word[...]
            if isFirst {
                isFirst = false
            } else if column + 1 + rest.count > width, column > indent.utf8.count {
                result.append(UInt8(ascii: "\n"))
                result += indent.utf8
                column = indent.utf8.count
            } else {
                result.append(UInt8(ascii: " "))
                column += 1
            }
            while column + rest.count > hardWidth {
                let room = max(1, hardWidth - column)
                var cut = rest.index(rest.startIndex, offsetBy: min(room, rest.count))
                // Not inside a character.
                while cut > rest.startIndex, cut < rest.endIndex, rest[cut] & 0xC0 == 0x80 { cut = rest.index(before: cut) }
                if cut == rest.startIndex { cut = rest.index(rest.startIndex, offsetBy: min(room, rest.count)) }
                result += rest[..<cut]
                rest = rest[cut...]
                result.append(UInt8(ascii: "\n"))
                result += indent.utf8
                column = indent.utf8.count
            }
            result += rest
            column += rest.count
        }
        result.append(UInt8(ascii: "\n"))
        return result
    }

    /// An address in ASCII: what is not, and what the form gives a meaning, as `\x{` hexadecimal `}`
    /// (`utf-8-addr-xtext` of RFC 6533 section 3).
    static func escapedAddress(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "+", "=", "\\":
                result += "\\x{" + String(scalar.value, radix: 16, uppercase: true) + "}"
            case "\u{21}"..."\u{7E}":
                result.unicodeScalars.append(scalar)
            default:
                result += "\\x{" + String(scalar.value, radix: 16, uppercase: true) + "}"
            }
        }
        return result
    }
}

/// A span of time as people read it: `0s`, or `1d2h3m4s` without the parts that are zero, with `-` before
/// a negative one.
package func durationText(_ seconds: Int64) -> String {
    guard seconds != 0 else { return "0s" }
    let magnitude = seconds.magnitude
    var text = seconds < 0 ? "-" : ""
    for (value, unit) in [
        (magnitude / 86_400, "d"), (magnitude / 3_600 % 24, "h"), (magnitude / 60 % 60, "m"), (magnitude % 60, "s"),
    ] where value > 0 {
        text += "\(value)\(unit)"
    }
    return text
}
