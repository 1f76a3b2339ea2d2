import MailSyntax
import Tables

/// What the shape of a static table's file is, found without keeping its entries (table(5)).
enum StaticTableFile {
    enum Failure: Error, Hashable {
        /// A line of a mapping that has a key and nothing else; its number from 1.
        case missingValue(line: Int)
        /// A list whose later lines are mappings, in the 5.4 grammar only.
        case mixed(line: Int)
    }

    /// The first entry decides: with something after a blank or `:` it is a mapping, else a list. An
    /// empty file can be either and counts as a mapping.
    ///
    /// - Throws: ``Failure`` with the line that makes the file unusable.
    static func kind(of bytes: [UInt8], generation: Generation) throws(Failure) -> TableKind {
        var kind: TableKind?
        var number = 0
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            let entry = trimmed(line)
            guard let first = entry.first else { continue }
            if first == UInt8(ascii: "#") {
                if kind == nil, generation == .match, isListMark(entry) { return .list }
                continue
            }
            let isMapping = valueFollows(entry)
            switch kind {
            case nil:
                kind = isMapping == nil ? .list : .mapping
                if isMapping == false { throw .missingValue(line: number) }
            case .mapping:
                if isMapping != true { throw .missingValue(line: number) }
            case .list, .dynamic:
                // Blanks in a later line of a list belong to the element in 7.x, where only the first
                // entry decides.
                if generation == .accept, isMapping == true { throw .mixed(line: number) }
            }
        }
        return kind ?? .mapping
    }

    /// Nil without a separator; false when nothing follows it.
    private static func valueFollows(_ entry: ArraySlice<UInt8>) -> Bool? {
        var rest = entry
        if rest.first == UInt8(ascii: "["), let end = rest.firstIndex(of: UInt8(ascii: "]")) { rest = rest[end...] }
        guard let separator = rest.firstIndex(where: { isBlank($0) || $0 == UInt8(ascii: ":") }) else { return nil }
        return rest[separator...].contains { !isBlank($0) && $0 != UInt8(ascii: ":") }
    }

    private static func isListMark(_ entry: ArraySlice<UInt8>) -> Bool {
        trimmed(entry.dropFirst()).elementsEqual("@list".utf8)
    }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var line = line.drop(while: isBlank)
        while let last = line.last, isBlank(last) { line.removeLast() }
        return line
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
}
