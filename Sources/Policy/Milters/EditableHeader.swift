import MailSyntax

/// The header of a message as milters see and change it, one at a time and in the order of their chain.
///
/// The trace field of this server is there but hidden: what milters count, they count without it, except where they
/// insert, which is how Sendmail has it. It is the first of its name, wherever filters before have put other fields.
package struct EditableHeader: Sendable {
    /// Octets of each field, line ends included.
    private var fields: [[UInt8]] = []
    /// What ends the header: an empty line, or nothing when there is no body.
    private var end: [UInt8]
    /// Where this server's trace field is.
    private var trace: Int?

    /// - Parameter bytes: The header with the empty line behind it, lines ended by LF.
    package init(_ bytes: [UInt8]) {
        var scanner = HeaderScanner(bytes)
        while let field = scanner.next() {
            if trace == nil, field.isNamed("received") { trace = fields.count }
            fields.append(Array(bytes[field.range]))
        }
        if let last = fields.indices.last, fields[last].last != 0x0A { fields[last].append(0x0A) }
        end = Array(bytes[scanner.position...])
    }

    /// All of it, the empty line included.
    package var bytes: [UInt8] { fields.flatMap(\.self) + end }

    /// A header that has no body behind it gets one.
    package mutating func expectBody() {
        if end.isEmpty { end = [0x0A] }
    }

    /// What milters are told of, in order: the value is all behind the colon but the last line end.
    package var visibleFields: [MessageChange.Field] {
        fields.indices.filter { $0 != trace }.compactMap { Self.split(fields[$0]) }
    }

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
            insert(field, at: place)
        case .changeHeader(let occurrence, let field): replace(occurrence, with: field)
        case .replaceBody, .addRecipient, .removeRecipient, .changeSender, .quarantine: break
        }
    }

    private mutating func insert(_ field: MessageChange.Field, at place: Int) {
        // Without a trace field place 0 is where it would be, and place 1 before the first field.
        let index = min(trace == nil ? max(0, place - 1) : place, fields.count)
        fields.insert(field.bytes, at: index)
        if let old = trace, index <= old { trace = old + 1 }
    }

    private mutating func replace(_ occurrence: Int, with field: MessageChange.Field) {
        var number = 0
        for index in fields.indices where index != trace {
            guard let name = Self.split(fields[index])?.name, equalIgnoringASCIICase(name, field.name) else { continue }
            number += 1
            // Number 0 is the first as well.
            guard number == max(1, occurrence) else { continue }
            guard field.value.isEmpty else {
                fields[index] = field.bytes
                return
            }
            fields.remove(at: index)
            if let old = trace, index < old { trace = old - 1 }
            return
        }
        if !field.value.isEmpty { fields.append(field.bytes) }
    }
}
