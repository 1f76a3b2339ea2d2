import Authentication
import MailSyntax
import WireFormat

/// A comparison of a password that may take long: lookup asks the parent, and the parent a checker, which
/// answers with a ``PasswordVerdict`` and ends.
package enum PasswordQuestion: WireMessage, Hashable {
    /// With a stored form from a table.
    case stored(String, password: [UInt8])
    /// With the system's users. The address is the client's, nil on the Unix socket.
    case systemUser(String, password: [UInt8], client: IPAddress?)

    /// Octets of a question in its longest form, with room to spare.
    package static let maximumSize = 8_192

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .stored(let text, let password):
            writer.write(UInt8(1))
            writer.write(text)
            writer.write(password)
        case .systemUser(let name, let password, let client):
            writer.write(UInt8(2))
            writer.write(name)
            writer.write(password)
            writer.write(client) { $0.encode(into: &$1) }
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            let text = try reader.readSystemText()
            // As long as a value of a table of credentials may be.
            guard text.utf8.count <= 2_047 else { throw .invalid("stored password") }
            self = .stored(text, password: try reader.readPassword())
        case 2:
            self = .systemUser(
                try reader.readName(), password: try reader.readPassword(),
                client: try reader.readOptional { reader throws(WireError) in try IPAddress(from: &reader) })
        case let kind: throw .unknownValue(UInt64(kind), for: "PasswordQuestion")
        }
    }
}

extension PasswordVerdict: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .right: writer.write(UInt8(1))
        case .wrong: writer.write(UInt8(2))
        case .unavailable(let reason):
            writer.write(UInt8(3))
            writer.write(line: reason)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .right
        case 2: self = .wrong
        case 3: self = .unavailable(try reader.readLine())
        case let kind: throw .unknownValue(UInt64(kind), for: "PasswordVerdict")
        }
    }
}

extension WireReader {
    /// A password: 1 to 1024 octets without a NUL.
    ///
    /// - Throws: ``WireError/invalid(_:)`` for any other.
    fileprivate mutating func readPassword() throws(WireError) -> [UInt8] {
        let password = try readBytes()
        guard (1...SASLName.maximumPasswordLength).contains(password.count), !password.contains(0) else {
            throw .invalid("password")
        }
        return password
    }
}
