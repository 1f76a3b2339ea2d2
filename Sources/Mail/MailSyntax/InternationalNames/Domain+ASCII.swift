@_spi(_Unicode) import Swift

/// Why a domain has no form in ASCII.
package enum DomainConversionError: Error, Hashable, Sendable {
    /// The octets are not UTF-8.
    case notText
    /// A label that begins with a combining mark, or begins or ends with a hyphen, or has two at its third place
    /// (RFC 5891 sections 4.2.3.1 and 4.2.3.2).
    case malformedLabel
    /// A character that no host name has: punctuation, symbols, controls, what is invisible or unassigned.
    case forbiddenCharacter(Unicode.Scalar)
    /// More than 63 octets in ASCII.
    case labelTooLong
    /// More than 253 octets in ASCII.
    case tooLong
}

extension Domain {
    /// The longest host name that the DNS holds, in octets without a dot at the end (RFC 1035 section 2.3.4).
    private static let maximumASCIILength = 253

    /// True when no octet is outside ASCII.
    package var isASCII: Bool { bytes.allSatisfy { $0 < 0x80 } }

    /// The domain as the DNS has it: each label outside ASCII as an A-label (RFC 5890 section 2.3.2.1).
    ///
    /// Such a label is taken in normalization form C and in lower case, as people write it, and must then consist
    /// of letters, digits and marks (RFC 5892), with joiners where they join. Labels in ASCII are left as they are,
    /// A-labels too: whoever registered them has checked them. The rule for text that runs both ways (RFC 5893) is
    /// about what people see, and is not applied.
    ///
    /// - Returns: The domain itself when it is in ASCII, address literals among them.
    package func inASCII() throws(DomainConversionError) -> Domain {
        if isASCII { return self }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .notText }
        var result: [UInt8] = []
        for label in text._nfc.split(separator: ".", omittingEmptySubsequences: false) {
            if !result.isEmpty { result.append(UInt8(ascii: ".")) }
            let octets = try Self.ascii(Array(label))
            guard octets.count <= 63 else { throw .labelTooLong }
            result += octets
        }
        guard result.count <= Self.maximumASCIILength else { throw .tooLong }
        do throws(AddressSyntaxError) {
            return try Domain(validating: result)
        } catch {
            throw .malformedLabel
        }
    }

    private static func ascii(_ label: [Unicode.Scalar]) throws(DomainConversionError) -> [UInt8] {
        if label.allSatisfy(\.isASCII) { return label.map { UInt8(truncatingIfNeeded: $0.value) } }
        // A letter may become several, so what comes out is composed again.
        let lowered = String(String.UnicodeScalarView(label.flatMap(\.properties.lowercaseMapping.unicodeScalars)))
        let scalars = Array(lowered._nfc)
        try check(scalars)
        guard let encoded = Punycode.encode(scalars) else { throw .labelTooLong }
        return Array("xn--".utf8) + encoded
    }

    private static func check(_ scalars: [Unicode.Scalar]) throws(DomainConversionError) {
        guard let first = scalars.first, !isMark(first), first != "-", scalars.last != "-" else { throw .malformedLabel }
        if scalars.count >= 4, scalars[2] == "-", scalars[3] == "-" { throw .malformedLabel }
        for index in scalars.indices where !isAllowed(scalars, at: index) { throw .forbiddenCharacter(scalars[index]) }
    }

    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .spacingMark, .enclosingMark: true
        default: false
        }
    }

    /// RFC 5892 section 2.1 by category, its exceptions and the context rules of its appendix A by name.
    private static func isAllowed(_ scalars: [Unicode.Scalar], at index: Int) -> Bool {
        let scalar = scalars[index]
        let before = index > 0 ? scalars[index - 1] : nil
        let after = index + 1 < scalars.count ? scalars[index + 1] : nil
        switch scalar {
        case "-": return true
        // Joiners, behind a virama.
        case "\u{200C}", "\u{200D}": return before?.properties.canonicalCombiningClass == .virama
        // The dot of Catalan, between two l.
        case "\u{B7}": return before == "l" && after == "l"
        // The numeral sign of Greek, before Greek.
        case "\u{375}": return after.map { (0x370...0x3FF).contains($0.value) || (0x1F00...0x1FFF).contains($0.value) } ?? false
        // Geresh and gershayim, behind Hebrew.
        case "\u{5F3}", "\u{5F4}": return before.map { (0x590...0x5FF).contains($0.value) } ?? false
        // The middle dot of Katakana, where there is Japanese.
        case "\u{30FB}": return scalars.contains { isJapanese($0) && $0 != "\u{30FB}" }
        // Letters by another category, letters that folding would change, and what the categories would let pass.
        case "\u{6FD}", "\u{6FE}", "\u{F0B}", "\u{3007}", "\u{DF}", "\u{3C2}": return true
        case "\u{640}", "\u{7FA}", "\u{302E}", "\u{302F}", "\u{3031}"..."\u{3035}", "\u{303B}": return false
        default: break
        }
        if scalar.isASCII { return isASCIIAlphanumeric(UInt8(truncatingIfNeeded: scalar.value)) || scalar == "_" }
        // Other ways to write something else, such as full-width letters, and what the eye does not see.
        if scalar.properties.changesWhenNFKCCaseFolded { return false }
        switch scalar.properties.generalCategory {
        case .lowercaseLetter, .otherLetter, .modifierLetter, .nonspacingMark, .spacingMark, .decimalNumber: return true
        default: return false
        }
    }

    /// Hiragana, Katakana or Han.
    private static func isJapanese(_ scalar: Unicode.Scalar) -> Bool {
        (0x3041...0x30FF).contains(scalar.value) || scalar.properties.isUnifiedIdeograph
    }
}
