import MailSyntax

/// A key in the form in which tables compare it: ASCII letters in lower case, byte for byte otherwise.
///
/// Bytes and not text, because Swift compares strings by canonical equivalence and the order of
/// patterns is the order of their bytes.
package struct TableKey: Hashable, Sendable, Comparable {
    package let bytes: [UInt8]

    package init(_ bytes: some Sequence<UInt8>) { self.bytes = bytes.map(asciiLowercased) }
    package init(_ text: String) { self.init(text.utf8) }

    /// Nil above ``TableQuery/maximumKeyLength`` bytes.
    package init?(query: TableQuery) {
        guard query.key.utf8.count <= TableQuery.maximumKeyLength else { return nil }
        self.init(query.key.utf8)
    }

    /// The keys under which an entry may stand that this one means, itself first: an address is the same with
    /// brackets and without.
    package func forms(for service: TableService) -> [TableKey] {
        guard service == .addrname, let address = SourceAddress(bytes)?.address else { return [self] }
        let others = [TableKey(address.bracketed), TableKey(address.description), TableKey("ipv6:\(address)")]
        return [self] + others.filter { $0 != self }
    }

    package static func < (a: TableKey, b: TableKey) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }
}

/// The part of `bytes` without the blanks, tabs and carriage returns around it.
func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var rest = bytes
    while let first = rest.first, isBlank(first) { rest = rest.dropFirst() }
    while let last = rest.last, isBlank(last) { rest = rest.dropLast() }
    return rest
}

/// A carriage return counts, so that files with CR LF line ends read like any other.
func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
