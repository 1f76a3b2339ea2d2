import Tables
import WireFormat

/// The parent's questions to lookup, and answers.
package enum ParentToLookup: WireMessage, Hashable {
    case forward(request: UInt64, ForwardFile)
    /// The record of a user the parent is to become. Answered by `user` on the way back.
    case user(request: UInt64, userbase: String, name: String)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .forward(let request, let answer):
            writer.write(UInt8(1))
            writer.write(request)
            answer.encode(into: &writer)
        case .user(let request, let userbase, let name):
            writer.write(UInt8(2))
            writer.write(request)
            writer.write(userbase)
            writer.write(name)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .forward(request: try reader.readUInt64(), try ForwardFile(from: &reader))
        case 2:
            self = .user(
                request: try reader.readUInt64(),
                userbase: try reader.readString(),
                name: try reader.readString())
        case let kind: throw .unknownValue(UInt64(kind), for: "ParentToLookup")
        }
    }
}

extension ForwardFile: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .none:
            writer.write(UInt8(1))
        case .content(let bytes):
            writer.write(UInt8(2))
            writer.write(bytes)
        case .temporaryFailure(let reason):
            writer.write(UInt8(3))
            writer.write(reason)
        case .permanentFailure(let reason):
            writer.write(UInt8(4))
            writer.write(reason)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .none
        case 2: self = .content(try reader.readBytes())
        case 3: self = .temporaryFailure(try reader.readString())
        case 4: self = .permanentFailure(try reader.readString())
        case let kind: throw .unknownValue(UInt64(kind), for: "forward file")
        }
    }
}
