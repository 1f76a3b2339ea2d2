/// The fields of a line, taken apart again: `connected address=192.0.2.1 host="a b"` is the text `connected` and two
/// fields.
package struct LogFields: Hashable, Sendable {
    /// The words that are no fields, with a space between.
    package private(set) var text = ""
    /// In the order of the line; values without their quotes, and with the escapes of ``LogText/value(_:)`` undone but for
    /// those of control characters.
    package private(set) var fields: [Field] = []

    package struct Field: Hashable, Sendable {
        package let name: String
        package let value: String
    }

    package init(_ line: String) {
        var rest = Array(line.utf8)[...]
        var words: [String] = []
        while let first = rest.first {
            if first == UInt8(ascii: " ") {
                rest = rest.dropFirst()
                continue
            }
            let name = rest.prefix(while: Self.isOfName)
            if !name.isEmpty, rest.dropFirst(name.count).first == UInt8(ascii: "=") {
                rest = rest.dropFirst(name.count + 1)
                let value = Self.takeValue(&rest)
                fields.append(Field(name: String(decoding: name, as: UTF8.self), value: value))
            } else {
                let word = rest.prefix { $0 != UInt8(ascii: " ") }
                rest = rest.dropFirst(word.count)
                words.append(String(decoding: word, as: UTF8.self))
            }
        }
        text = words.joined(separator: " ")
    }

    private static func takeValue(_ rest: inout ArraySlice<UInt8>) -> String {
        guard rest.first == UInt8(ascii: "\"") else {
            let value = rest.prefix { $0 != UInt8(ascii: " ") }
            rest = rest.dropFirst(value.count)
            return String(decoding: value, as: UTF8.self)
        }
        rest = rest.dropFirst()
        var value: [UInt8] = []
        while let byte = rest.popFirst(), byte != UInt8(ascii: "\"") {
            if byte == UInt8(ascii: "\\"), let next = rest.first, next == UInt8(ascii: "\"") || next == byte {
                value.append(next)
                rest = rest.dropFirst()
            } else {
                value.append(byte)
            }
        }
        return String(decoding: value, as: UTF8.self)
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
        default: false
        }
    }
}
