// Reading one item of an expansion: the forms in the order in which they are tried.
import MailSyntax

extension ExpansionItem {
    /// - Parameter bytes: One item without the blanks around it.
    init(_ bytes: ArraySlice<UInt8>) throws(SyntaxError) {
        guard bytes.count <= Self.maximumLength else { throw .tooLong }
        // No form has a use for control characters, and commands and paths end at a NUL.
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }),
            let text = String(validating: bytes, as: UTF8.self)
        else { throw .unknownForm(String(decoding: bytes, as: UTF8.self)) }
        if let item = Self.bare(bytes) ?? Self.unquoted(bytes).flatMap(Self.bare) {
            self = item
        } else {
            throw .unknownForm(text)
        }
    }

    /// Every form, outside quotes.
    private static func bare(_ bytes: ArraySlice<UInt8>) -> ExpansionItem? {
        if let item = error(bytes) ?? include(bytes) { return item }
        switch bytes.first {
        case UInt8(ascii: "|"):
            return pipe(bytes.dropFirst())
        case UInt8(ascii: "/"):
            return bytes.count > 1 ? .file(text(bytes)) : nil
        case UInt8(ascii: "\\"):
            // `\ada` is how other mail systems stop further expansion; naming oneself does that here.
            return address(bytes.dropFirst()) ?? user(bytes.dropFirst())
        default:
            return address(bytes) ?? user(bytes)
        }
    }

    /// `error:550 text` with the blank after three digits, or `:error:550 text`.
    private static func error(_ bytes: ArraySlice<UInt8>) -> ExpansionItem? {
        guard let rest = dropping("error:", from: bytes) ?? dropping(":error:", from: bytes) else { return nil }
        let digits = rest.prefix(3)
        guard rest.count >= 5, let code = decimal(digits), (400...599).contains(code) else { return nil }
        let blank = rest[rest.startIndex + 3]
        let words = rest.dropFirst(4)
        guard blank == 0x20, let first = words.first, isASCIIAlphanumeric(first) else { return nil }
        return .error(code: UInt16(code), text: text(words))
    }

    private static func include(_ bytes: ArraySlice<UInt8>) -> ExpansionItem? {
        guard let path = dropping(":include:", from: bytes) ?? dropping("include:", from: bytes) else { return nil }
        let trimmedPath = trimmed(path)
        guard trimmedPath.first == UInt8(ascii: "/"), trimmedPath.count > 1 else { return nil }
        return .include(text(trimmedPath))
    }

    /// What follows the bar, either all of it or, in `|"command"`, the inside of the quotes.
    private static func pipe(_ bytes: ArraySlice<UInt8>) -> ExpansionItem? {
        let whole = trimmed(bytes)
        let isOneString = whole.first == UInt8(ascii: "\"") && closingQuote(of: whole) == whole.endIndex - 1
        let command = isOneString ? unquoted(whole) ?? [] : whole
        return trimmed(command).isEmpty ? nil : .pipe(text(trimmed(command)))
    }

    private static func address(_ bytes: ArraySlice<UInt8>) -> ExpansionItem? {
        let (user, domain) = splitAddress(bytes)
        guard bytes.count >= 3, user.allSatisfy(isUserOfAddress), domain.allSatisfy(isDomainOfAddress),
            // Both checks are stricter than the character sets above: dots, lengths, emptiness. What fails
            // them is an item of unknown form, whichever of the reasons it was.
            let localPart = try? LocalPart(validating: Array(user)), isDotString(localPart.bytes),
            let host = try? Domain(validating: Array(domain))
        else { return nil }
        return .address(MailAddress(localPart, at: host))
    }

    private static func user(_ bytes: ArraySlice<UInt8>) -> ExpansionItem? {
        guard !bytes.isEmpty, bytes.count <= LocalPart.maximumLength, bytes.allSatisfy(isUserName) else { return nil }
        return .user(String(decoding: bytes.map(asciiLowercased), as: UTF8.self))
    }

    private static func isUserOfAddress(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ".") || (byte < 0x80 && isAtomText(byte))
    }

    private static func isDomainOfAddress(_ byte: UInt8) -> Bool {
        isASCIIAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
    }

    private static func isUserName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "+"): true
        default: isASCIIAlphanumeric(byte)
        }
    }

    private static func dropping(_ prefix: String, from bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard equalIgnoringASCIICase(bytes.prefix(prefix.utf8.count), Array(prefix.utf8)) else { return nil }
        return bytes.dropFirst(prefix.utf8.count)
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    /// The content of `"..."` that fills the item, with `\"` and `\\` as the bytes they stand for. Other
    /// backslashes stay: they belong to the command.
    private static func unquoted(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let end = closingQuote(of: bytes), end == bytes.endIndex - 1 else { return nil }
        var content: [UInt8] = []
        var isEscaped = false
        for byte in bytes.dropFirst().dropLast() {
            if isEscaped {
                if byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { content.append(UInt8(ascii: "\\")) }
                content.append(byte)
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else {
                content.append(byte)
            }
        }
        return trimmed(content[...])
    }

    /// Where the double quote that opens the bytes is closed.
    private static func closingQuote(of bytes: ArraySlice<UInt8>) -> Int? {
        guard bytes.first == UInt8(ascii: "\"") else { return nil }
        var isEscaped = false
        for index in bytes.indices.dropFirst() {
            if isEscaped {
                isEscaped = false
            } else if bytes[index] == UInt8(ascii: "\\") {
                isEscaped = true
            } else if bytes[index] == UInt8(ascii: "\"") {
                return index
            }
        }
        return nil
    }
}
