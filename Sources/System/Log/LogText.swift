/// Text made fit for a log: one line, no control characters, values that can be told apart.
package enum LogText {
    /// The longest line, in octets; the rest is cut and `...` says so. Logs cut at about 8 KB themselves,
    /// and then silently.
    package static let maximumLine = 4096

    /// Escapes what could look like another line or move a terminal's cursor, and cuts.
    package static func line(_ text: String) -> String {
        // Nearly every line is plain and short, and goes through as it is.
        if text.utf8.count <= maximumLine, text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if isUnsafe(scalar) { result += escaped(scalar) } else { result.unicodeScalars.append(scalar) }
            if result.utf8.count > maximumLine { return cut(result) }
        }
        return result
    }

    /// `key=value` for each, with spaces between. A value with a space, quote, backslash, equals sign or control
    /// character, and an empty one, stands in double quotes with the inner ones escaped.
    package static func fields(_ pairs: KeyValuePairs<String, String>) -> String {
        pairs.map { "\($0.key)=\(value($0.value))" }.joined(separator: " ")
    }

    /// A value as ``fields(_:)`` shows it.
    package static func value(_ text: String) -> String {
        let isPlain = !text.isEmpty
            && text.unicodeScalars.allSatisfy { $0 != " " && $0 != "\"" && $0 != "\\" && $0 != "=" && !isUnsafe($0) }
        if isPlain { return text }
        var result = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" {
                result += "\\"
                result.unicodeScalars.append(scalar)
            } else if isUnsafe(scalar) {
                result += escaped(scalar)
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// C0 and C1 controls, DEL, the line and paragraph separators, and what reorders or hides text.
    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x200B...0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: true
        default: false
        }
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        default: "\\u{" + String(scalar.value, radix: 16) + "}"
        }
    }

    private static func cut(_ text: String) -> String {
        var result = text
        while result.utf8.count > maximumLine - 3 { result.unicodeScalars.removeLast() }
        return result + "..."
    }
}
