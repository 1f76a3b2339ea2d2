import Tables

/// What a database is asked.
package enum ProgramQuestion: Hashable, Sendable {
    /// All there is for a key.
    case key(TableService, [UInt8])
    /// All elements of a service.
    case elements(TableService)

    package var service: TableService {
        switch self {
        case .key(let service, _), .elements(let service): service
        }
    }
}

/// One row of a database's answer: the octets of each column, nil where there is no value.
package typealias TableRow = [[UInt8]?]

/// A database, or the way to it, failed: what to tell the operator. Temporary for whoever waits.
package struct TableFailure: Error, Hashable, Sendable {
    package let reason: String
    package init(_ reason: String) { self.reason = reason }
}

/// The rows that answer one question, or why there are none. No row is the answer no.
package typealias TableFinding = Result<[TableRow], TableFailure>

/// Bounds for what a database may answer.
package enum TableLimits {
    /// The most rows of one answer; more are a failure.
    package static let rows = 1000
    /// The longest value, in octets: what the mail server takes.
    package static let value = 4096
    /// How many requests are answered together.
    package static let batch = 64
}

extension TableService {
    /// How many columns a row has: user and hash, or uid, gid and home directory; else one.
    package var columns: Int {
        switch self {
        case .credentials: 2
        case .userinfo: 3
        case .alias, .domain, .auth, .netaddr, .source, .mailaddr, .addrname, .mailaddrmap, .relayhost, .string, .regex: 1
        }
    }

    /// True where all rows make the value, false where the first one does.
    package var joinsRows: Bool { self == .alias || self == .mailaddrmap }
}
