import Authentication
import Tables
import WireFormat

/// The parent's answers to lookup, and its questions.
package enum ParentToLookup: WireMessage, Hashable {
    /// The answer to ``LookupToParent/readForward(request:user:userbase:)``.
    case forward(request: UInt64, ForwardFile)
    /// The record of a user the parent is to become. Answered by
    /// ``LookupToParent/user(request:_:)``.
    case user(request: UInt64, userbase: String, name: String)
    /// The answer to ``LookupToParent/checkPassword(request:_:)``.
    case password(request: UInt64, PasswordVerdict)
    /// The answer to ``LookupToParent/makeToken(request:_:)``.
    case token(request: UInt64, TokenVerdict)
    /// The answer to ``LookupToParent/startTableProgram(request:table:)``: why there is none, or nil with the socket
    /// that is the program's standard input and output.
    case tableProgram(request: UInt64, failure: String?)

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
        case .password(let request, let verdict):
            writer.write(UInt8(20))
            writer.write(request)
            verdict.encode(into: &writer)
        case .token(let request, let verdict):
            writer.write(UInt8(21))
            writer.write(request)
            verdict.encode(into: &writer)
        case .tableProgram(let request, nil):
            writer.write(UInt8(40))
            writer.write(request)
        case .tableProgram(let request, let failure?):
            writer.write(UInt8(41))
            writer.write(request)
            writer.write(line: failure)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .forward(request: try reader.readUInt64(), try ForwardFile(from: &reader))
        case 2:
            self = .user(
                request: try reader.readUInt64(),
                userbase: try reader.readName(),
                name: try reader.readName())
        case 20: self = .password(request: try reader.readUInt64(), try PasswordVerdict(from: &reader))
        case 21: self = .token(request: try reader.readUInt64(), try TokenVerdict(from: &reader))
        case 40: self = .tableProgram(request: try reader.readUInt64(), failure: nil)
        case 41: self = .tableProgram(request: try reader.readUInt64(), failure: try reader.readLine())
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
            writer.write(line: reason)
        case .permanentFailure(let reason):
            writer.write(UInt8(4))
            writer.write(line: reason)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .none
        case 2:
            let content = try reader.readBytes()
            guard content.count <= Self.maximumSize else { throw .invalid("length of a forward file") }
            self = .content(content)
        case 3: self = .temporaryFailure(try reader.readLine())
        case 4: self = .permanentFailure(try reader.readLine())
        case let kind: throw .unknownValue(UInt64(kind), for: "forward file")
        }
    }
}
