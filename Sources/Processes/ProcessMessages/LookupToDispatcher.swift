import MailSyntax
import WireFormat

/// Lookup's answers to the dispatcher, one for each question.
package enum LookupToDispatcher: WireMessage, Hashable {
    /// The answer to ``DispatcherToLookup/expand(request:recipient:transaction:)``.
    case expanded(request: UInt64, ExpansionVerdict)
    /// The answer to ``DispatcherToLookup/user(request:userbase:name:)``.
    case user(request: UInt64, UserVerdict)
    /// The answer to ``DispatcherToLookup/hostname(request:table:address:)``: what the table says, which need
    /// not be a host name; nil when it has no entry or could not say.
    case hostname(request: UInt64, String?)
    /// The answer to ``DispatcherToLookup/exchangers(request:domain:)``.
    case exchangers(request: UInt64, ExchangerVerdict)
    /// The answer to ``DispatcherToLookup/addresses(request:host:)``.
    case addresses(request: UInt64, AddressVerdict)
    /// The answer to ``DispatcherToLookup/reverseName(request:_:)``.
    case reverseName(request: UInt64, ReverseNameVerdict)
    /// The answer to ``DispatcherToLookup/mechanisms(request:source:)``: names in capitals, the best first.
    case mechanisms(request: UInt64, [String])
    /// The answer to a message of SASL.
    case authentication(request: UInt64, AuthenticationVerdict)
    /// The answer to ``DispatcherToLookup/checkSender(request:table:user:sender:)``.
    case sender(request: UInt64, SenderVerdict)
    /// The answer to ``DispatcherToLookup/relayEntries(request:table:_:)``.
    case relayEntries(request: UInt64, RelayEntries)
    /// The answer to ``DispatcherToLookup/relayValue(request:table:_:key:)``.
    case relayValue(request: UInt64, RelayValue)
    /// The answer to ``DispatcherToLookup/rewriteSender(request:sender:domain:)``: the same sender when it cannot be
    /// rewritten.
    case rewrittenSender(request: UInt64, MailAddress)
    /// The answer to ``DispatcherToLookup/relayToken(request:table:label:_:wasRefused:)``.
    case relayToken(request: UInt64, RelayToken)
    /// The answer to ``DispatcherToLookup/connectMilter(request:filter:)``: the connected socket comes with it, or
    /// this says why there is none.
    case milter(request: UInt64, failure: String?)

    /// The answer to ``DispatcherToLookup/matchFilterTable(request:table:service:key:)``; a table that cannot say does
    /// not have the key.
    case filterTable(request: UInt64, matches: Bool)

    /// Mechanisms that a listener can offer.
    package static let maximumMechanisms = 32

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .expanded(let request, let verdict):
            writer.write(UInt8(1))
            writer.write(request)
            verdict.encode(into: &writer)
        case .user(let request, let verdict):
            writer.write(UInt8(2))
            writer.write(request)
            verdict.encode(into: &writer)
        case .hostname(let request, let name):
            writer.write(UInt8(3))
            writer.write(request)
            writer.write(name) { $1.write(line: $0) }
        case .exchangers(let request, let verdict):
            writer.write(UInt8(10))
            writer.write(request)
            verdict.encode(into: &writer)
        case .addresses(let request, let verdict):
            writer.write(UInt8(11))
            writer.write(request)
            verdict.encode(into: &writer)
        case .reverseName(let request, let verdict):
            writer.write(UInt8(12))
            writer.write(request)
            verdict.encode(into: &writer)
        case .mechanisms(let request, let names):
            writer.write(UInt8(20))
            writer.write(request)
            writer.write(list: names) { $1.write($0) }
        case .authentication(let request, let verdict):
            writer.write(UInt8(21))
            writer.write(request)
            verdict.encode(into: &writer)
        case .sender(let request, let verdict):
            writer.write(UInt8(22))
            writer.write(request)
            verdict.encode(into: &writer)
        case .relayEntries(let request, let entries):
            writer.write(UInt8(30))
            writer.write(request)
            entries.encode(into: &writer)
        case .relayValue(let request, let value):
            writer.write(UInt8(31))
            writer.write(request)
            value.encode(into: &writer)
        case .rewrittenSender(let request, let sender):
            writer.write(UInt8(32))
            writer.write(request)
            sender.encode(into: &writer)
        case .relayToken(let request, let token):
            writer.write(UInt8(33))
            writer.write(request)
            token.encode(into: &writer)
        case .filterTable(let request, let matches):
            writer.write(UInt8(40))
            writer.write(request)
            writer.write(matches)
        case .milter(let request, let failure):
            writer.write(UInt8(45))
            writer.write(request)
            writer.write(failure) { $1.write(line: $0) }
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .expanded(request: try reader.readUInt64(), try ExpansionVerdict(from: &reader))
        case 2: self = .user(request: try reader.readUInt64(), try UserVerdict(from: &reader))
        case 3:
            self = .hostname(
                request: try reader.readUInt64(),
                try reader.readOptional { reader throws(WireError) in try reader.readLine() })
        case 10: self = .exchangers(request: try reader.readUInt64(), try ExchangerVerdict(from: &reader))
        case 11: self = .addresses(request: try reader.readUInt64(), try AddressVerdict(from: &reader))
        case 12: self = .reverseName(request: try reader.readUInt64(), try ReverseNameVerdict(from: &reader))
        case 20:
            let request = try reader.readUInt64()
            let names = try reader.readList { reader throws(WireError) in try reader.readName() }
            guard names.count <= Self.maximumMechanisms else { throw .invalid("number of mechanisms") }
            self = .mechanisms(request: request, names)
        case 21: self = .authentication(request: try reader.readUInt64(), try AuthenticationVerdict(from: &reader))
        case 22: self = .sender(request: try reader.readUInt64(), try SenderVerdict(from: &reader))
        case 30: self = .relayEntries(request: try reader.readUInt64(), try RelayEntries(from: &reader))
        case 31: self = .relayValue(request: try reader.readUInt64(), try RelayValue(from: &reader))
        case 32: self = .rewrittenSender(request: try reader.readUInt64(), try MailAddress(from: &reader))
        case 33: self = .relayToken(request: try reader.readUInt64(), try RelayToken(from: &reader))
        case 40: self = .filterTable(request: try reader.readUInt64(), matches: try reader.readBool())
        case 45:
            self = .milter(
                request: try reader.readUInt64(),
                failure: try reader.readOptional { reader throws(WireError) in try reader.readLine() })
        case let kind: throw .unknownValue(UInt64(kind), for: "LookupToDispatcher")
        }
    }
}
