import MailSyntax

/// A domain or host name in which `*` stands for any run of characters, the empty one too.
///
/// Compared without regard to the case of ASCII letters. OpenSMTPD lets `*` run to the first place
/// where the next character fits and never tries another, so `*.example.com` misses
/// `a.b.example.com`; here every place is tried, which accepts a superset.
package struct WildcardPattern: Hashable, Sendable {
    /// In lower case.
    package let bytes: [UInt8]

    package init(_ bytes: some Sequence<UInt8>) { self.bytes = bytes.map(asciiLowercased) }
    package init(_ text: String) { self.init(text.utf8) }

    static let star = UInt8(ascii: "*")

    package var hasWildcard: Bool { bytes.contains(Self.star) }

    /// What follows the `*` of a pattern such as `*.example.com`, empty for `*` alone; nil for every
    /// other shape. Such patterns are found through an index instead of one by one.
    package var dottedSuffix: ArraySlice<UInt8>? {
        guard bytes.first == Self.star else { return nil }
        let rest = bytes.dropFirst()
        guard !rest.contains(Self.star), rest.isEmpty || rest.first == UInt8(ascii: ".") else { return nil }
        return rest
    }

    /// True when the pattern covers the whole name. Takes at most length of name times length of
    /// pattern steps: only the last `*` is ever tried again.
    package func matches(_ name: some RandomAccessCollection<UInt8>) -> Bool {
        let name = name.map(asciiLowercased)
        var position = 0
        var at = 0
        var retry: (pattern: Int, name: Int)?
        while position < name.count {
            if at < bytes.count, bytes[at] == Self.star {
                at += 1
                retry = (at, position)
            } else if at < bytes.count, bytes[at] == name[position] {
                at += 1
                position += 1
            } else if let last = retry {
                retry = (last.pattern, last.name + 1)
                at = last.pattern
                position = last.name + 1
            } else {
                return false
            }
        }
        return bytes[at...].allSatisfy { $0 == Self.star }
    }
}

/// Every end of a name that begins with a dot, the longest first: `.b.c`, `.c` for `a.b.c`.
func dottedSuffixes(of name: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    name.indices.filter { name[$0] == UInt8(ascii: ".") }.map { name[$0...] }
}
