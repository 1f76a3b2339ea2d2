import Authentication
import Envelopes
import MailSyntax
import Tables
import WireFormat

/// What the dispatcher may ask of lookup: verdicts about addresses and where users live.
package enum DispatcherToLookup: WireMessage, Hashable {
    /// Decide about one recipient of a transaction. Answered by
    /// ``LookupToDispatcher/expanded(request:_:)``, as every question by one answer with the same `request`.
    case expand(request: UInt64, recipient: MailAddress, transaction: Transaction)
    /// The record of a user in a userbase. Answered by ``LookupToDispatcher/user(request:_:)``.
    case user(request: UInt64, userbase: String, name: String)
    /// The host name for an address of a listener with `hostnames`. Answered by
    /// ``LookupToDispatcher/hostname(request:_:)``.
    case hostname(request: UInt64, table: String, address: IPAddress)
    /// The hosts that take mail for a domain. Answered by ``LookupToDispatcher/exchangers(request:_:)``, within a
    /// minute or so; an address literal is its own exchanger.
    case exchangers(request: UInt64, domain: Domain)
    /// The addresses of a host, such as a smarthost. Answered by ``LookupToDispatcher/addresses(request:_:)``.
    case addresses(request: UInt64, host: Domain)
    /// The name of an address by reverse lookup. Answered by ``LookupToDispatcher/reverseName(request:_:)``.
    case reverseName(request: UInt64, IPAddress)
    /// Which mechanisms of SASL a listener offers. Answered by ``LookupToDispatcher/mechanisms(request:_:)``.
    case mechanisms(request: UInt64, source: CredentialSource)
    /// A client authenticates. The exchange is a number of the dispatcher's for what follows. Answered by
    /// ``LookupToDispatcher/authentication(request:_:)``.
    case authenticate(request: UInt64, exchange: UInt64, AuthenticationStart)
    /// The client's answer to a challenge. Answered as ``authenticate(request:exchange:_:)`` is.
    case continueAuthentication(request: UInt64, exchange: UInt64, response: [UInt8])
    /// The exchange is over without an end. Not answered.
    case abandonAuthentication(exchange: UInt64)
    /// Whether an authenticated user may send as somebody, by a table of `senders`. Answered by
    /// ``LookupToDispatcher/sender(request:_:)``.
    case checkSender(request: UInt64, table: String, user: String, sender: ReversePath)
    /// All entries of a table that a relay action names. Answered by ``LookupToDispatcher/relayEntries(request:_:)``.
    case relayEntries(request: UInt64, table: String, RelayTable)
    /// The value of a key in such a table: the relay URL of a domain, or the credentials of a label. Answered by
    /// ``LookupToDispatcher/relayValue(request:_:)``.
    case relayValue(request: UInt64, table: String, RelayTable, key: String)
    /// Rewrite the sender of forwarded mail in the name of a domain (SRS). Answered by
    /// ``LookupToDispatcher/rewrittenSender(request:_:)``.
    case rewriteSender(request: UInt64, sender: MailAddress, domain: Domain)
    /// The access token that a command makes of an entry of a credentials table; a new one when the last was refused.
    /// Answered by ``LookupToDispatcher/relayToken(request:_:)``, within half a minute.
    case relayToken(request: UInt64, table: String, label: String, TokenCommand, wasRefused: Bool)
    /// A connection to a milter, by the name of its filter. Answered by
    /// ``LookupToDispatcher/milter(request:failure:)``, within the time that the filter has for it.
    case connectMilter(request: UInt64, filter: String)

    /// Whether a table that a filter's condition names has a key, by the service of that condition. Answered by
    /// ``LookupToDispatcher/filterTable(request:matches:)``.
    case matchFilterTable(request: UInt64, table: String, service: TableService, key: String)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .expand(let request, let recipient, let transaction):
            writer.write(UInt8(1))
            writer.write(request)
            recipient.encode(into: &writer)
            transaction.encode(into: &writer)
        case .user(let request, let userbase, let name):
            writer.write(UInt8(2))
            writer.write(request)
            writer.write(userbase)
            writer.write(name)
        case .hostname(let request, let table, let address):
            writer.write(UInt8(3))
            writer.write(request)
            writer.write(table)
            address.encode(into: &writer)
        case .exchangers(let request, let domain):
            writer.write(UInt8(10))
            writer.write(request)
            domain.encode(into: &writer)
        case .addresses(let request, let host):
            writer.write(UInt8(11))
            writer.write(request)
            host.encode(into: &writer)
        case .reverseName(let request, let address):
            writer.write(UInt8(12))
            writer.write(request)
            address.encode(into: &writer)
        case .mechanisms(let request, let source):
            writer.write(UInt8(20))
            writer.write(request)
            source.encode(into: &writer)
        case .authenticate(let request, let exchange, let start):
            writer.write(UInt8(21))
            writer.write(request)
            writer.write(exchange)
            start.encode(into: &writer)
        case .continueAuthentication(let request, let exchange, let response):
            writer.write(UInt8(22))
            writer.write(request)
            writer.write(exchange)
            writer.write(response)
        case .abandonAuthentication(let exchange):
            writer.write(UInt8(23))
            writer.write(exchange)
        case .checkSender(let request, let table, let user, let sender):
            writer.write(UInt8(24))
            writer.write(request)
            writer.write(table)
            writer.write(user)
            sender.encode(into: &writer)
        case .relayEntries(let request, let table, let use):
            writer.write(UInt8(30))
            writer.write(request)
            writer.write(table)
            use.encode(into: &writer)
        case .relayValue(let request, let table, let use, let key):
            writer.write(UInt8(31))
            writer.write(request)
            writer.write(table)
            use.encode(into: &writer)
            writer.write(key)
        case .rewriteSender(let request, let sender, let domain):
            writer.write(UInt8(32))
            writer.write(request)
            sender.encode(into: &writer)
            domain.encode(into: &writer)
        case .relayToken(let request, let table, let label, let command, let wasRefused):
            writer.write(UInt8(33))
            writer.write(request)
            writer.write(table)
            writer.write(label)
            command.encode(into: &writer)
            writer.write(wasRefused)
        case .matchFilterTable(let request, let table, let service, let key):
            writer.write(UInt8(40))
            writer.write(request)
            writer.write(table)
            service.encode(into: &writer)
            writer.write(key)
        case .connectMilter(let request, let filter):
            writer.write(UInt8(45))
            writer.write(request)
            writer.write(filter)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .expand(
                request: try reader.readUInt64(), recipient: try MailAddress(from: &reader),
                transaction: try Transaction(from: &reader))
        case 2:
            self = .user(
                request: try reader.readUInt64(), userbase: try reader.readName(), name: try reader.readName())
        case 3:
            self = .hostname(
                request: try reader.readUInt64(), table: try reader.readName(), address: try IPAddress(from: &reader))
        case 10: self = .exchangers(request: try reader.readUInt64(), domain: try Domain(from: &reader))
        case 11: self = .addresses(request: try reader.readUInt64(), host: try Domain(from: &reader))
        case 12: self = .reverseName(request: try reader.readUInt64(), try IPAddress(from: &reader))
        case 20:
            self = .mechanisms(request: try reader.readUInt64(), source: try CredentialSource(from: &reader))
        case 21:
            self = .authenticate(
                request: try reader.readUInt64(), exchange: try reader.readUInt64(), try AuthenticationStart(from: &reader))
        case 22:
            self = .continueAuthentication(
                request: try reader.readUInt64(), exchange: try reader.readUInt64(), response: try reader.readResponse())
        case 23: self = .abandonAuthentication(exchange: try reader.readUInt64())
        case 24:
            self = .checkSender(
                request: try reader.readUInt64(), table: try reader.readName(), user: try reader.readName(),
                sender: try ReversePath(from: &reader))
        case 30:
            self = .relayEntries(
                request: try reader.readUInt64(), table: try reader.readName(), try RelayTable(from: &reader))
        case 31:
            self = .relayValue(
                request: try reader.readUInt64(), table: try reader.readName(), try RelayTable(from: &reader),
                key: try reader.readName())
        case 32:
            self = .rewriteSender(
                request: try reader.readUInt64(), sender: try MailAddress(from: &reader), domain: try Domain(from: &reader))
        case 33:
            self = .relayToken(
                request: try reader.readUInt64(), table: try reader.readName(), label: try reader.readName(),
                try TokenCommand(from: &reader), wasRefused: try reader.readBool())
        case 40:
            self = .matchFilterTable(
                request: try reader.readUInt64(), table: try reader.readName(), service: try TableService(from: &reader),
                key: try reader.readFilterKey())
        case 45: self = .connectMilter(request: try reader.readUInt64(), filter: try reader.readName())
        case let kind: throw .unknownValue(UInt64(kind), for: "DispatcherToLookup")
        }
    }
}

extension TableService: WireMessage {
    package func encode(into writer: inout WireWriter) { writer.write(rawValue) }

    package init(from reader: inout WireReader) throws(WireError) {
        let value = try reader.readUInt8()
        guard let service = TableService(rawValue: value) else { throw .unknownValue(UInt64(value), for: "table service") }
        self = service
    }
}

extension WireReader {
    /// What a client said, as a key of a table: it may be empty.
    ///
    /// - Throws: ``WireError/invalid(_:)`` for a longer one than tables are asked for.
    fileprivate mutating func readFilterKey() throws(WireError) -> String {
        let key = try readString()
        guard key.utf8.count <= TableQuery.maximumKeyLength else { throw .invalid("length of a key") }
        return key
    }
}
