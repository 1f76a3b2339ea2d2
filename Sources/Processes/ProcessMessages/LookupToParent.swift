import WireFormat

/// What lookup may ask of the parent: a user's .forward file, read with the user's own rights, comparisons of
/// passwords that take long, access tokens that a command prints, and table programs. And its answers.
package enum LookupToParent: WireMessage, Hashable {
    /// Answered by ``ParentToLookup/forward(request:_:)``.
    case readForward(request: UInt64, user: UserEntry, userbase: String)
    /// The answer to ``ParentToLookup/user(request:userbase:name:)``.
    case user(request: UInt64, UserVerdict)
    /// Answered by ``ParentToLookup/password(request:_:)``.
    case checkPassword(request: UInt64, PasswordQuestion)
    /// Run a command that a relay action names. Answered by ``ParentToLookup/token(request:_:)``.
    case makeToken(request: UInt64, TokenQuestion)
    /// Start the program of a table, which the parent looks up in its own configuration. Answered by
    /// ``ParentToLookup/tableProgram(request:failure:)``.
    case startTableProgram(request: UInt64, table: String)
    /// End the program that this request started. Not answered.
    case endTableProgram(request: UInt64)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .readForward(let request, let user, let userbase):
            writer.write(UInt8(1))
            writer.write(request)
            user.encode(into: &writer)
            writer.write(userbase)
        case .user(let request, let verdict):
            writer.write(UInt8(2))
            writer.write(request)
            verdict.encode(into: &writer)
        case .checkPassword(let request, let question):
            writer.write(UInt8(20))
            writer.write(request)
            question.encode(into: &writer)
        case .makeToken(let request, let question):
            writer.write(UInt8(21))
            writer.write(request)
            question.encode(into: &writer)
        case .startTableProgram(let request, let table):
            writer.write(UInt8(40))
            writer.write(request)
            writer.write(table)
        case .endTableProgram(let request):
            writer.write(UInt8(41))
            writer.write(request)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .readForward(
                request: try reader.readUInt64(),
                user: try UserEntry(from: &reader),
                userbase: try reader.readName())
        case 2: self = .user(request: try reader.readUInt64(), try UserVerdict(from: &reader))
        case 20: self = .checkPassword(request: try reader.readUInt64(), try PasswordQuestion(from: &reader))
        case 21: self = .makeToken(request: try reader.readUInt64(), try TokenQuestion(from: &reader))
        case 40: self = .startTableProgram(request: try reader.readUInt64(), table: try reader.readName())
        case 41: self = .endTableProgram(request: try reader.readUInt64())
        case let kind: throw .unknownValue(UInt64(kind), for: "LookupToParent")
        }
    }
}
