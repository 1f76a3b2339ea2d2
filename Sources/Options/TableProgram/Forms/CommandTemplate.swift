/// A command of Redis as a setting holds it: words between blanks, in which `%s` stands for the key and `%%` for a
/// percent sign.
///
/// Words are split before the key comes in, so that a key with a blank stays one word.
package struct CommandTemplate: Hashable, Sendable {
    private enum Piece: Hashable {
        case text([UInt8])
        case key
    }

    private let words: [[Piece]]

    /// Reads a setting.
    ///
    /// - Throws: For no word at all, for another letter after `%`, and for a command without the key.
    package init(_ text: String, setting name: String) throws(ProgramSettings.Problem) {
        var words: [[Piece]] = []
        var usesKey = false
        for word in text.utf8.split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) {
            var pieces: [Piece] = []
            var rest = word[...]
            while let byte = rest.popFirst() {
                guard byte == UInt8(ascii: "%") else {
                    Self.append([byte], to: &pieces)
                    continue
                }
                switch rest.popFirst() {
                case UInt8(ascii: "s"):
                    pieces.append(.key)
                    usesKey = true
                case UInt8(ascii: "%"): Self.append([UInt8(ascii: "%")], to: &pieces)
                default: throw .init("\(name): after % comes s or %")
                }
            }
            words.append(pieces)
        }
        guard !words.isEmpty else { throw .init("\(name): no command") }
        guard usesKey else { throw .init("\(name): %s, where the key goes, is missing") }
        self.words = words
    }

    private static func append(_ text: [UInt8], to pieces: inout [Piece]) {
        if case .text(let before)? = pieces.last {
            pieces[pieces.count - 1] = .text(before + text)
        } else {
            pieces.append(.text(text))
        }
    }

    /// The words of the command for a key.
    package func words(for key: [UInt8]) -> [[UInt8]] {
        words.map { pieces in
            pieces.flatMap { piece in
                switch piece {
                case .text(let text): text
                case .key: key
                }
            }
        }
    }
}
