import WireFormat

/// What lookup may ask of the parent: a user's .forward file, read with the user's own rights, and comparisons of
/// passwords that take long, and access tokens that a command prints. And its answers.
package enum LookupToParent: WireMessage, Hashable {
    /// Answered by ``ParentToLookup/forward(request:_:)``.
    case readForward(request: UInt64, user: UserEntry, userbase: String)
    /// The answer to ``ParentToLookup/user(request:userbase:name:)``.
    case user(request: UInt64, UserVerdict)
    /// Answered by ``ParentToLookup/password(request:_:)``.
    case checkPassword(request: UInt64, PasswordQuestion)
    /// Run a command that a relay action names. Answered by ``ParentToLookup/token(request:_:)``.
    case makeToken(request: UInt64, TokenQuestion)

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
        case let kind: throw .unknownValue(UInt64(kind), for: "LookupToParent")
        }
    }
}
