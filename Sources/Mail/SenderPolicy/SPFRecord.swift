import MailSyntax

/// The record of a domain that says which hosts send its mail (RFC 7208), as far as listing them needs.
///
/// Only mechanisms that let somebody pass are kept: the others name nobody who may send.
package struct SPFRecord: Hashable, Sendable {
    package private(set) var mechanisms: [Mechanism] = []
    /// `redirect=`: the domain whose record holds when none of the mechanisms decides; nil too when `all` does.
    package private(set) var redirect: String?
    /// Terms that cannot be listed, as they are written: macros, `ptr`, `exists`, and what is no term.
    package private(set) var unlisted: [String] = []

    /// A term that names hosts. A nil domain is the one that the record belongs to; lengths are those of prefixes in
    /// bits, nil for whole addresses.
    package enum Mechanism: Hashable, Sendable {
        case network(IPAddress, length: Int?)
        case addresses(domain: String?, length4: Int?, length6: Int?)
        case exchangers(domain: String?, length4: Int?, length6: Int?)
        case include(domain: String)
        /// Everybody passes.
        case all
    }

    /// Terms beyond this are not looked at; a record has no room for more.
    private static let maximumTerms = 1_000

    /// Whether a TXT record is one of these (section 4.5).
    package static func isRecord(_ text: [UInt8]) -> Bool {
        let version = Array("v=spf1".utf8)
        return text.count >= version.count && equalIgnoringASCIICase(text[..<version.count], version)
            && (text.count == version.count || text[version.count] == 0x20)
    }

    /// Reads a record; nil for what is none.
    package init?(parsing text: [UInt8]) {
        guard Self.isRecord(text) else { return nil }
        var decides = false
        for part in text.split(separator: 0x20).dropFirst().prefix(Self.maximumTerms) {
            let term = String(decoding: part, as: UTF8.self)
            guard term.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                unlisted.append(term)
                continue
            }
            if !decides { read(term, &decides) }
        }
        if decides { redirect = nil }
    }

    private mutating func read(_ term: String, _ decides: inout Bool) {
        var name = term[...]
        let qualifier = name.first
        if let qualifier, "+-~?".contains(qualifier) { name = name.dropFirst() }
        let passes = qualifier.map { !"-~?".contains($0) } ?? true
        let end = name.firstIndex { ":/=".contains($0) } ?? name.endIndex
        let word = String(decoding: name[..<end].utf8.map(asciiLowercased), as: UTF8.self)
        let rest = name[end...]
        if word == "all", rest.isEmpty {
            if passes { mechanisms.append(.all) }
            decides = true
            return
        }
        if rest.first == "=" {
            // A modifier; those that nobody knows say nothing about hosts (section 6).
            guard word == "redirect" else { return }
            let domain = String(rest.dropFirst())
            if domain.contains("%") { unlisted.append(term) } else { redirect = domain }
            return
        }
        guard passes else { return }
        guard let mechanism = Self.mechanism(word, rest) else { return unlisted.append(term) }
        mechanisms.append(mechanism)
    }

    private static func mechanism(_ word: String, _ rest: Substring) -> Mechanism? {
        if word == "ip4" || word == "ip6" { return network(rest, isIPv6: word == "ip6") }
        guard !rest.contains("%") else { return nil }
        if word == "include" { return rest.count > 1 && rest.first == ":" ? .include(domain: String(rest.dropFirst())) : nil }
        guard word == "a" || word == "mx" else { return nil }
        guard let slash = rest.firstIndex(of: "/") else {
            guard let domain = domain(rest) else { return nil }
            return word == "a" ? .addresses(domain: domain.0, length4: nil, length6: nil) : .exchangers(domain: domain.0, length4: nil, length6: nil)
        }
        // `/24`, `//64` or `/24//64`.
        let lengths = rest[slash...]
        guard let domain = domain(rest[..<slash]) else { return nil }
        var length4: Int?
        var length6: Int?
        if let double = lengths.indices.first(where: { lengths[$0...].hasPrefix("//") }) {
            guard let length = number(lengths[double...].dropFirst(2), maximum: 128) else { return nil }
            length6 = length
            if double > lengths.startIndex {
                guard let length = number(lengths[..<double].dropFirst(), maximum: 32) else { return nil }
                length4 = length
            }
        } else {
            guard let length = number(lengths.dropFirst(), maximum: 32) else { return nil }
            length4 = length
        }
        return word == "a"
            ? .addresses(domain: domain.0, length4: length4, length6: length6)
            : .exchangers(domain: domain.0, length4: length4, length6: length6)
    }

    /// Nothing, or `:` and a domain.
    private static func domain(_ text: Substring) -> (String?, Void)? {
        if text.isEmpty { return (nil, ()) }
        guard text.first == ":", text.count > 1 else { return nil }
        return (String(text.dropFirst()), ())
    }

    private static func network(_ rest: Substring, isIPv6: Bool) -> Mechanism? {
        guard rest.first == ":" else { return nil }
        let parts = rest.dropFirst().split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(first.utf8) else { return nil }
        switch address {
        case .v4: if isIPv6 { return nil }
        case .v6: if !isIPv6 { return nil }
        }
        guard parts.count == 2 else { return .network(address, length: nil) }
        return number(parts[1], maximum: isIPv6 ? 128 : 32).map { .network(address, length: $0) }
    }

    private static func number(_ text: Substring, maximum: Int) -> Int? {
        guard (1...3).contains(text.utf8.count), text.utf8.allSatisfy(isASCIIDigit), let value = Int(text) else { return nil }
        return value <= maximum ? value : nil
    }
}
