import WireFormat

/// What a relay action uses a table for.
package enum RelayTable: UInt8, WireMessage, Hashable {
    /// Relay URLs, of `host` or `domain`.
    case hosts = 1
    /// Source addresses, of `src`.
    case sources
    /// User and password, of `auth`.
    case credentials
    /// The address that is to stand in place of a sender's, of `rewrite-from`.
    case rewriting

    package func encode(into writer: inout WireWriter) { writer.write(rawValue) }

    package init(from reader: inout WireReader) throws(WireError) {
        let value = try reader.readUInt8()
        guard let use = Self(rawValue: value) else { throw .unknownValue(UInt64(value), for: "relay table") }
        self = use
    }
}

/// The entries of a table, as texts.
package enum RelayEntries: WireMessage, Hashable {
    /// At most ``maximumEntries``, in the table's order; none for an empty table.
    case found([String])
    /// The table could not say, and why in one printable line: try again later.
    case failed(String)

    /// Smarthosts or source addresses that are looked at.
    package static let maximumEntries = 64

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .found(let entries):
            writer.write(UInt8(1))
            writer.write(list: entries) { $1.write(line: $0) }
        case .failed(let reason):
            writer.write(UInt8(2))
            writer.write(line: reason)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            let entries = try reader.readList { reader throws(WireError) in try reader.readLine() }
            guard entries.count <= Self.maximumEntries else { throw .invalid("too many entries") }
            self = .found(entries)
        case 2: self = .failed(try reader.readLine())
        case let kind: throw .unknownValue(UInt64(kind), for: "relay entries")
        }
    }
}

/// The value of a key of a table.
package enum RelayValue: WireMessage, Hashable {
    /// Credentials among others: not to be logged.
    case found(String)
    case missing
    /// The table could not say, and why in one printable line: try again later.
    case failed(String)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .found(let value):
            writer.write(UInt8(1))
            writer.write(line: value)
        case .missing: writer.write(UInt8(2))
        case .failed(let reason):
            writer.write(UInt8(3))
            writer.write(line: reason)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .found(try reader.readLine())
        case 2: self = .missing
        case 3: self = .failed(try reader.readLine())
        case let kind: throw .unknownValue(UInt64(kind), for: "relay value")
        }
    }
}
