/// One change that a milter makes at the end of a message.
package enum MessageChange: Hashable, Sendable {
    /// A field behind all others.
    case addHeader(Field)
    /// A field before the one at this place, counted from 0 among all that are there, this server's trace field
    /// among them. Behind the last where there are not so many.
    case insertHeader(at: Int, Field)
    /// The field of this name with this number, counted from 1 without this server's trace field: its new value,
    /// which removes it when it is empty. Without such a field it is added.
    case changeHeader(occurrence: Int, Field)
    /// A piece of the new body, with CR LF.
    case replaceBody([UInt8])
    /// An address, with or without angle brackets, and parameters of RCPT.
    case addRecipient([UInt8], arguments: [[UInt8]])
    case removeRecipient([UInt8])
    case changeSender([UInt8], arguments: [[UInt8]])
    /// The message is kept and not delivered until somebody says so, for this reason.
    case quarantine(String)

    package struct Field: Hashable, Sendable {
        package var name: [UInt8]
        /// All behind the colon but the last line end. As a milter gives it, lines may end in LF or CR LF, and go
        /// on without white space; ``normalized(keepsLeadingSpace:)`` is what may stand in a message.
        package var value: [UInt8]

        package init(name: [UInt8], value: [UInt8]) {
            self.name = name
            self.value = value
        }

        /// With a blank behind the colon unless the milter sees to that, lines ended by LF and gone on with white
        /// space, so that nothing in the value begins another field or the body.
        func normalized(keepsLeadingSpace: Bool) -> Field {
            var result: [UInt8] = keepsLeadingSpace ? [] : [0x20]
            var isLineEnded = false
            for byte in value {
                switch byte {
                case 0x0D: continue
                case 0x0A:
                    // An empty line would be the end of the header.
                    isLineEnded = true
                    continue
                default: break
                }
                if isLineEnded {
                    result.append(0x0A)
                    if byte != 0x20, byte != 0x09 { result.append(0x09) }
                    isLineEnded = false
                }
                result.append(byte)
            }
            return Field(name: name, value: result)
        }

        /// The field with its line end.
        var bytes: [UInt8] { name + [UInt8(ascii: ":")] + value + [0x0A] }
    }

    /// Whether a milter has asked leave for it.
    func isAllowed(by actions: MilterActions) -> Bool {
        switch self {
        case .addHeader: actions.contains(.addHeaders)
        // libmilter lets this be done by those that change fields, too.
        case .insertHeader: !actions.isDisjoint(with: [.addHeaders, .changeHeaders])
        case .changeHeader: actions.contains(.changeHeaders)
        case .replaceBody: actions.contains(.changeBody)
        case .addRecipient(_, arguments: []): !actions.isDisjoint(with: [.addRecipients, .addRecipientsWithArguments])
        case .addRecipient: actions.contains(.addRecipientsWithArguments)
        case .removeRecipient: actions.contains(.removeRecipients)
        case .changeSender: actions.contains(.changeSender)
        case .quarantine: actions.contains(.quarantine)
        }
    }

    /// With fields as they are to stand in the message: see ``Field/normalized(keepsLeadingSpace:)``.
    func normalized(keepsLeadingSpace: Bool) -> MessageChange {
        switch self {
        case .addHeader(let field): .addHeader(field.normalized(keepsLeadingSpace: keepsLeadingSpace))
        case .insertHeader(let place, let field):
            .insertHeader(at: place, field.normalized(keepsLeadingSpace: keepsLeadingSpace))
        case .changeHeader(_, let field) where field.value.isEmpty: self
        case .changeHeader(let number, let field):
            .changeHeader(occurrence: number, field.normalized(keepsLeadingSpace: keepsLeadingSpace))
        case .replaceBody, .addRecipient, .removeRecipient, .changeSender, .quarantine: self
        }
    }

    /// Octets it costs to keep.
    var size: Int {
        switch self {
        case .addHeader(let field), .insertHeader(_, let field), .changeHeader(_, let field):
            field.name.count + field.value.count
        case .replaceBody(let bytes): bytes.count
        case .addRecipient(let address, let arguments), .changeSender(let address, let arguments):
            arguments.reduce(address.count) { $0 + $1.count }
        case .removeRecipient(let address): address.count
        case .quarantine(let reason): reason.utf8.count
        }
    }
}
