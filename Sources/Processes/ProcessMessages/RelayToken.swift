import WireFormat

/// A command that prints an access token of OAuth 2.0, as the configuration names it.
package struct TokenCommand: WireMessage, Hashable {
    /// For `/bin/sh -c`.
    package var line: String
    /// As whom it runs; nil for the daemon's user.
    package var user: String?

    package init(line: String, user: String?) {
        self.line = line
        self.user = user
    }

    package func encode(into writer: inout WireWriter) {
        writer.write(line)
        writer.write(user) { $1.write($0) }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        line = try reader.readString()
        user = try reader.readOptional { reader throws(WireError) in try reader.readString() }
    }
}

/// One run of such a command. Not to be logged.
package struct TokenQuestion: WireMessage, Hashable {
    package var command: TokenCommand
    /// Who authenticates, for the command's environment.
    package var account: String
    /// For the command's standard input.
    package var secret: String

    package init(_ command: TokenCommand, account: String, secret: String) {
        self.command = command
        self.account = account
        self.secret = secret
    }

    package func encode(into writer: inout WireWriter) {
        command.encode(into: &writer)
        writer.write(account)
        writer.write(secret)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(try TokenCommand(from: &reader), account: try reader.readString(), secret: try reader.readString())
    }
}

/// What came of it. Not to be logged.
package enum TokenVerdict: WireMessage, Hashable {
    /// A token, and for how many seconds it is good, when the command said so.
    case printed([UInt8], seconds: UInt32?)
    /// Why there is none, in one printable line.
    case failed(String)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .printed(let token, let seconds):
            writer.write(UInt8(1))
            writer.write(token)
            writer.write(seconds) { $1.write($0) }
        case .failed(let reason):
            writer.write(UInt8(2))
            writer.write(line: reason)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .printed(
                try reader.readToken(), seconds: try reader.readOptional { reader throws(WireError) in try reader.readUInt32() })
        case 2: self = .failed(try reader.readLine())
        case let kind: throw .unknownValue(UInt64(kind), for: "token verdict")
        }
    }
}

/// What a relay authenticates with. Not to be logged.
package enum RelayToken: WireMessage, Hashable {
    case found(account: String, [UInt8])
    /// The table has no such label.
    case missing
    /// Why there is none now, in one printable line.
    case failed(String)

    /// Octets of a token.
    package static let maximumLength = 8_192

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .found(let account, let token):
            writer.write(UInt8(1))
            writer.write(account)
            writer.write(token)
        case .missing: writer.write(UInt8(2))
        case .failed(let reason):
            writer.write(UInt8(3))
            writer.write(line: reason)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .found(account: try reader.readString(), try reader.readToken())
        case 2: self = .missing
        case 3: self = .failed(try reader.readLine())
        case let kind: throw .unknownValue(UInt64(kind), for: "relay token")
        }
    }
}

extension WireReader {
    fileprivate mutating func readToken() throws(WireError) -> [UInt8] {
        let token = try readBytes()
        guard (1...RelayToken.maximumLength).contains(token.count) else { throw .invalid("length of a token") }
        return token
    }
}
