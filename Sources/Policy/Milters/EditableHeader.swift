import MailSyntax

/// The header of a message as milters see and change it, one at a time and in the order of their chain.
///
/// The trace field that this server has put on top is there but hidden: what milters count, they count without it,
/// except where they insert, which is how Sendmail has it.
package struct EditableHeader: Sendable {
    /// Octets of each field, line ends included.
    private var fields: [[UInt8]] = []
    /// What ends the header: an empty line, or nothing when there is no body.
    private var end: [UInt8]
    private let hasTrace: Bool

    /// - Parameter bytes: The header with the empty line behind it, lines ended by LF.
    package init(_ bytes: [UInt8]) {
        var scanner = HeaderScanner(bytes)
        var isTraced = false
        while let field = scanner.next() {
            if fields.isEmpty { isTraced = field.isNamed("received") }
            fields.append(Array(bytes[field.range]))
        }
        if let last = fields.indices.last, fields[last].last != 0x0A { fields[last].append(0x0A) }
        end = Array(bytes[scanner.position...])
        hasTrace = isTraced
    }

    /// All of it, the empty line included.
    package var bytes: [UInt8] { fields.flatMap(\.self) + end }

    /// A header that has no body behind it gets one.
    package mutating func expectBody() {
        if end.isEmpty { end = [0x0A] }
    }

    /// What milters are told of, in order: the value is all behind the colon but the last line end.
    package var visibleFields: [MessageChange.Field] { fields.dropFirst(hasTrace ? 1 : 0).compactMap(Self.split) }

    private static func split(_ field: [UInt8]) -> MessageChange.Field? {
        guard let colon = field.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        // White space before the colon is no part of the name.
        let name = field[..<colon].reversed().drop { $0 == 0x20 || $0 == 0x09 }.reversed()
        return MessageChange.Field(name: Array(name), value: Array(field[(colon + 1)...].dropLast()))
    }

    /// Carries a change out, if it is one of the header.
    package mutating func apply(_ change: MessageChange) {
        switch change {
        case .addHeader(let field): fields.append(field.bytes)
        case .insertHeader(let place, let field):
            // Without a trace field of ours, place 0 is where it would be, and 1 is before the first field.
            let index = hasTrace ? place : max(0, place - 1)
            fields.insert(field.bytes, at: min(index, fields.count))
        case .changeHeader(let occurrence, let field): replace(occurrence, with: field)
        case .replaceBody, .addRecipient, .removeRecipient, .changeSender, .quarantine: break
        }
    }

    private mutating func replace(_ occurrence: Int, with field: MessageChange.Field) {
        var number = 0
        for index in fields.indices.dropFirst(hasTrace ? 1 : 0) {
            guard let name = Self.split(fields[index])?.name, equalIgnoringASCIICase(name, field.name) else { continue }
            number += 1
            // Number 0 is the first as well.
            guard number == max(1, occurrence) else { continue }
            if field.value.isEmpty { fields.remove(at: index) } else { fields[index] = field.bytes }
            return
        }
        if !field.value.isEmpty { fields.append(field.bytes) }
    }
}
