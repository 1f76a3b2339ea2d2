/// Actions for this machine as fields of views.
import Configuration
import WireFormat

extension LocalAction: WireMessage {
    package func encode(into writer: inout WireWriter) {
        method.encode(into: &writer)
        writer.write(user) { $1.write($0) }
        writer.write(aliases) { $1.write($0) }
        writer.write(virtual) { $1.write($0) }
        writer.write(userbase)
        writer.write(wrapper) { $1.write($0) }
        writer.write(everyFailureIsTemporary)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(method: try Method(from: &reader))
        user = try reader.readOptional { reader throws(WireError) in try reader.readName() }
        aliases = try reader.readOptional { reader throws(WireError) in try reader.readName() }
        virtual = try reader.readOptional { reader throws(WireError) in try reader.readName() }
        userbase = try reader.readName()
        wrapper = try reader.readOptional { reader throws(WireError) in try reader.readSystemText() }
        everyFailureIsTemporary = try reader.readBool()
    }
}

extension LocalAction.Method: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .mbox:
            writer.write(UInt8(1))
        case .maildir(let template, let junk):
            writer.write(UInt8(2))
            writer.write(template) { $1.write($0) }
            writer.write(junk)
        case .lmtp(let destination, let usesRecipientAddress):
            writer.write(UInt8(3))
            writer.write(destination)
            writer.write(usesRecipientAddress)
        case .command(let template):
            writer.write(UInt8(4))
            writer.write(template)
        case .forwardOnly:
            writer.write(UInt8(5))
        case .expandOnly:
            writer.write(UInt8(6))
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .mbox
        case 2:
            self = .maildir(
                try reader.readOptional { reader throws(WireError) in try reader.readSystemText() },
                junk: try reader.readBool())
        case 3: self = .lmtp(try reader.readSystemText(), usesRecipientAddress: try reader.readBool())
        case 4: self = .command(try reader.readSystemText())
        case 5: self = .forwardOnly
        case 6: self = .expandOnly
        case let kind: throw .unknownValue(UInt64(kind), for: "delivery method")
        }
    }
}
