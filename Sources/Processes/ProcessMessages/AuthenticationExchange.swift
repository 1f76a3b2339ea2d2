import Authentication
import MailSyntax
import WireFormat

/// The first message of an exchange of SASL, as the dispatcher hands it to lookup.
package struct AuthenticationStart: WireMessage, Hashable {
    package var source: CredentialSource
    /// The name of a mechanism, in capitals.
    package var mechanism: String
    /// Nil when the client sent none.
    package var initialResponse: [UInt8]?
    /// The client's address.
    package var client: IPAddress?
    /// Ours, at which it came in.
    package var server: IPAddress?

    package init(
        source: CredentialSource, mechanism: String, initialResponse: [UInt8]?, client: IPAddress?, server: IPAddress?
    ) {
        self.source = source
        self.mechanism = mechanism
        self.initialResponse = initialResponse
        self.client = client
        self.server = server
    }

    /// Octets of one message of a client: what a line of AUTH can hold.
    package static let maximumResponse = 9_216

    package func encode(into writer: inout WireWriter) {
        source.encode(into: &writer)
        writer.write(mechanism)
        writer.write(initialResponse) { $1.write($0) }
        writer.write(client) { $0.encode(into: &$1) }
        writer.write(server) { $0.encode(into: &$1) }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            source: try CredentialSource(from: &reader), mechanism: try reader.readName(),
            initialResponse: try reader.readOptional { reader throws(WireError) in try reader.readResponse() },
            client: try reader.readOptional { reader throws(WireError) in try IPAddress(from: &reader) },
            server: try reader.readOptional { reader throws(WireError) in try IPAddress(from: &reader) })
    }
}

/// What lookup says to a message of SASL.
package enum AuthenticationVerdict: WireMessage, Hashable {
    /// The exchange goes on.
    case challenge([UInt8])
    case accepted(user: String)
    /// Wrong in one way or the other. The user is who the client claimed to be, when it came so far; the reason is
    /// for the log alone.
    case refused(user: String?, reason: String)
    /// Nobody could say; the reason is in the log already.
    case unavailable

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .challenge(let octets):
            writer.write(UInt8(1))
            writer.write(octets)
        case .accepted(let user):
            writer.write(UInt8(2))
            writer.write(user)
        case .refused(let user, let reason):
            writer.write(UInt8(3))
            writer.write(user) { $1.write($0) }
            writer.write(line: reason)
        case .unavailable:
            writer.write(UInt8(4))
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .challenge(try reader.readResponse())
        case 2: self = .accepted(user: try reader.readName())
        case 3:
            self = .refused(
                user: try reader.readOptional { reader throws(WireError) in try reader.readName() },
                reason: try reader.readLine())
        case 4: self = .unavailable
        case let kind: throw .unknownValue(UInt64(kind), for: "AuthenticationVerdict")
        }
    }
}

/// Whether an authenticated user may send as somebody.
package enum SenderVerdict: UInt8, WireMessage, Hashable {
    case allowed = 1
    case refused
    /// The table could not say.
    case unavailable

    package func encode(into writer: inout WireWriter) { writer.write(rawValue) }

    package init(from reader: inout WireReader) throws(WireError) {
        let value = try reader.readUInt8()
        guard let verdict = SenderVerdict(rawValue: value) else { throw .unknownValue(UInt64(value), for: "SenderVerdict") }
        self = verdict
    }
}

extension CredentialSource: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .systemUsers: writer.write(UInt8(1))
        case .table(let name):
            writer.write(UInt8(2))
            writer.write(name)
        case .dovecot(let path):
            writer.write(UInt8(3))
            writer.write(path)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .systemUsers
        case 2: self = .table(try reader.readName())
        case 3: self = .dovecot(try reader.readPath())
        case let kind: throw .unknownValue(UInt64(kind), for: "CredentialSource")
        }
    }
}

extension WireReader {
    /// A message of SASL.
    ///
    /// - Throws: ``WireError/invalid(_:)`` for one longer than a line of AUTH can hold.
    mutating func readResponse() throws(WireError) -> [UInt8] {
        let octets = try readBytes()
        guard octets.count <= AuthenticationStart.maximumResponse else { throw .invalid("length of a SASL message") }
        return octets
    }
}
