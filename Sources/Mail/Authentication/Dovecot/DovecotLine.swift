/// One line of the protocol between Dovecot's authentication service and its clients (version 1.2): words between
/// tabs, the first one a command.
struct DovecotLine: Hashable {
    var words: [[UInt8]]

    init(_ words: [[UInt8]]) { self.words = words }

    init(_ words: String...) { self.init(words.map { Array($0.utf8) }) }

    /// - Parameter line: Without its line end.
    init(parsing line: ArraySlice<UInt8>) {
        words = line.split(separator: 0x09, omittingEmptySubsequences: false).map(Self.unescaped)
    }

    var command: String { words.first.map { String(decoding: $0, as: UTF8.self) } ?? "" }

    /// The number behind the command.
    var identifier: UInt32? {
        guard words.count > 1, words[1].count <= 10, !words[1].isEmpty, words[1].allSatisfy({ $0 >= 0x30 && $0 <= 0x39 })
        else { return nil }
        return UInt32(exactly: words[1].reduce(UInt64(0)) { $0 * 10 + UInt64($1 - 0x30) })
    }

    /// The value of `name=value` behind the number; nil when there is none.
    func value(_ name: String) -> [UInt8]? {
        let prefix = Array("\(name)=".utf8)
        return words.dropFirst(2).first { $0.starts(with: prefix) }.map { Array($0.dropFirst(prefix.count)) }
    }

    func has(_ flag: String) -> Bool { words.dropFirst(2).contains(Array(flag.utf8)) }

    /// With its line end.
    var bytes: [UInt8] { Array(words.map(Self.escaped).joined(separator: [0x09])) + [0x0A] }

    /// An octet 1 begins the escape of what would end a word, a line or a string of C.
    private static func escaped(_ word: [UInt8]) -> [UInt8] {
        word.flatMap { byte -> [UInt8] in
            switch byte {
            case 0x00: [1, UInt8(ascii: "0")]
            case 0x01: [1, UInt8(ascii: "1")]
            case 0x09: [1, UInt8(ascii: "t")]
            case 0x0D: [1, UInt8(ascii: "r")]
            case 0x0A: [1, UInt8(ascii: "n")]
            default: [byte]
            }
        }
    }

    private static func unescaped(_ word: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var rest = word
        while let byte = rest.popFirst() {
            guard byte == 1 else {
                result.append(byte)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "0"): result.append(0)
            case UInt8(ascii: "1"): result.append(1)
            case UInt8(ascii: "t"): result.append(0x09)
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "n"): result.append(0x0A)
            case let other?: result.append(other)
            case nil: break
            }
        }
        return result
    }
}
