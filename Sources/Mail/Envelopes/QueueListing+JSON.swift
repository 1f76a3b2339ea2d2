import JSON

extension QueueListing {
    /// The names of the fields of a line of `show queue`, as JSON has them.
    private static let fieldNames = [
        "id", "family", "kind", "flags", "sender", "recipient", "destination", "created", "expires", "last_try", "tries",
        "state", "seconds", "error",
    ]

    /// A line of `show queue` as an object: numbers as numbers, flags as a list, and texts without the escapes of the line.
    /// What is empty is `null`, but for flags and the last error. Nil for what is no such line.
    package static func json(ofLine line: some Sequence<UInt8>) -> JSONValue? {
        // The last field may hold the separator.
        let fields = Array(line).split(separator: UInt8(ascii: "|"), maxSplits: 13, omittingEmptySubsequences: false)
        guard fields.count == fieldNames.count else { return nil }
        var members: [JSONValue.Member] = []
        for (name, field) in zip(fieldNames, fields) {
            let value: JSONValue
            switch name {
            case "flags":
                value = .array(field.split(separator: UInt8(ascii: ",")).map { .text(String(decoding: $0, as: UTF8.self)) })
            case "created", "expires", "last_try", "tries", "seconds":
                value = .integer(Int64(String(decoding: field, as: UTF8.self)))
            default:
                value = .text(unescaped(field))
            }
            members.append(JSONValue.Member(name, value))
        }
        return .object(members)
    }

    /// Undoes ``escaped(_:)``.
    private static func unescaped(_ field: ArraySlice<UInt8>) -> String {
        guard field.contains(UInt8(ascii: "\\")) else { return String(decoding: field, as: UTF8.self) }
        var bytes: [UInt8] = []
        var rest = field
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let next = rest.popFirst() else {
                bytes.append(byte)
                continue
            }
            switch next {
            case UInt8(ascii: "n"): bytes.append(0x0A)
            case UInt8(ascii: "r"): bytes.append(0x0D)
            case UInt8(ascii: "t"): bytes.append(0x09)
            case UInt8(ascii: "0")...UInt8(ascii: "3"):
                let digits = [next] + rest.prefix(2)
                guard digits.count == 3, digits.allSatisfy({ (0x30...0x37).contains($0) }) else {
                    bytes += [byte, next]
                    continue
                }
                rest = rest.dropFirst(2)
                bytes.append(digits.reduce(0) { $0 << 3 | ($1 - 0x30) })
            default: bytes.append(next)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
