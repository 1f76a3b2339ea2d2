/// A search filter of LDAP as a setting holds it: `%u` and `%s` stand for the key, `%h` for the name of the table, `%%`
/// for a percent sign.
package struct FilterTemplate: Hashable, Sendable {
    private enum Piece: Hashable {
        case text(UInt8)
        case key
        case table
    }

    private let pieces: [Piece]

    /// Reads a setting.
    ///
    /// - Throws: For another letter after `%`, and for a filter without the key.
    package init(_ text: String, setting name: String) throws(ProgramSettings.Problem) {
        var pieces: [Piece] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                pieces.append(.text(byte))
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "u"), UInt8(ascii: "s"): pieces.append(.key)
            case UInt8(ascii: "h"): pieces.append(.table)
            case UInt8(ascii: "%"): pieces.append(.text(UInt8(ascii: "%")))
            default: throw .init("\(name): after % comes u, s, h or %")
            }
        }
        guard pieces.contains(.key) else { throw .init("\(name): %u, where the key goes, is missing") }
        self.pieces = pieces
    }

    /// The filter for a key, which stands for itself whatever octets it has (RFC 4515 section 3).
    package func filter(for key: [UInt8], table: String) -> String {
        var filter: [UInt8] = []
        for piece in pieces {
            switch piece {
            case .text(let byte): filter.append(byte)
            case .key: filter += Self.escaped(key)
            case .table: filter += Self.escaped(Array(table.utf8))
            }
        }
        return String(decoding: filter, as: UTF8.self)
    }

    /// Everything but letters, digits and a few signs that mean nothing in a filter becomes `\XX`; octets that are no
    /// UTF-8 pass like this too.
    private static func escaped(_ text: [UInt8]) -> [UInt8] {
        text.flatMap { byte -> [UInt8] in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "@"), UInt8(ascii: "."), UInt8(ascii: "-"),
                UInt8(ascii: "_"), UInt8(ascii: "+"):
                [byte]
            default: [UInt8(ascii: "\\"), digit(byte >> 4), digit(byte & 15)]
            }
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10 }
}
