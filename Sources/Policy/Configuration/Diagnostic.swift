/// One thing to tell about a configuration: what, where, and what would have been right.
package struct Diagnostic: Hashable, Sendable {
    package var severity: Severity
    /// Nil for what concerns the file as a whole.
    package var location: SourceLocation?
    package var message: String
    /// What the grammar has at this place, in words.
    package var expected: String?

    package enum Severity: Hashable, Sendable {
        /// Told with -v: what a name stands for, what is not used.
        case note
        /// Told always; the configuration is used all the same.
        case warning
        /// The configuration is not used.
        case error
    }

    package init(
        _ severity: Severity = .error, at location: SourceLocation?, _ message: String, expected: String? = nil
    ) {
        self.severity = severity
        self.location = location
        self.message = message
        self.expected = expected
    }
}

extension Diagnostic: CustomStringConvertible {
    /// `FILE:LINE:COLUMN: message, expected ...`; the place is left out where there is none. Control
    /// characters, which only a strange file brings, become `?`.
    package var description: String {
        var text = location.map { "\($0): " } ?? ""
        switch severity {
        case .note: text += "note: "
        case .warning: text += "warning: "
        case .error: break
        }
        text += message
        if let expected { text += ", expected \(expected)" }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "?" : $0 }))
    }
}
