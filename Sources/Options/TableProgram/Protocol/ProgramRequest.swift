import Tables

/// One question of the mail server to a table program: a line of the table protocol, version 0.1 (table-programs(7) of
/// OpenSMTPD 7.6 and later).
package struct ProgramRequest: Equatable, Sendable {
    /// What is wanted.
    package enum Kind: String, Sendable {
        /// Read the configuration again.
        case update
        /// Is the key there?
        case check
        /// What is the key's value?
        case lookup
        /// The next element.
        case fetch
    }

    /// Why a line is no request. None of them can be answered, so each ends the program.
    package enum Problem: Error, Equatable {
        /// Not `table|VERSION|TIME|NAME|OPERATION|...`.
        case malformed
        /// A version of the protocol that is not 0.1.
        case version
        /// An operation that is none.
        case operation
        /// An id that is empty or above ``maximumIdentifier`` octets.
        case identifier
    }

    /// The longest id, in octets; servers send eight hexadecimal digits.
    package static let maximumIdentifier = 32

    package let kind: Kind
    /// Sent back with the answer, as it came.
    package let identifier: [UInt8]
    /// Nil for an update, and for a service of a name that is unknown here.
    package let service: TableService?
    /// What a check or a lookup asks about; may hold `|`.
    package let key: [UInt8]

    /// Reads a line without its line feed.
    package init(line: [UInt8]) throws(Problem) {
        // The key is the last field of the longest request, and the only one that may hold the separator.
        let head = line.split(separator: UInt8(ascii: "|"), maxSplits: 5, omittingEmptySubsequences: false)
        guard head.count == 6, head[0].elementsEqual("table".utf8) else { throw .malformed }
        guard head[1].elementsEqual("0.1".utf8) else { throw .version }
        guard let kind = Kind(rawValue: String(decoding: head[4], as: UTF8.self)) else { throw .operation }
        let count = switch kind {
        case .update: 1
        case .fetch: 2
        case .check, .lookup: 3
        }
        let fields = head[5].split(separator: UInt8(ascii: "|"), maxSplits: count - 1, omittingEmptySubsequences: false)
        guard fields.count == count else { throw .malformed }
        let identifier = fields[kind == .update ? 0 : 1]
        guard !identifier.isEmpty, identifier.count <= Self.maximumIdentifier, !identifier.contains(UInt8(ascii: "|"))
        else { throw .identifier }
        self.kind = kind
        self.identifier = Array(identifier)
        service = kind == .update ? nil : TableService(named: fields[0])
        key = count == 3 ? Array(fields[2]) : []
    }
}

extension TableService {
    /// The service of a name in the protocol or in a setting such as `query_alias`; nil when there is none.
    package init?(named name: some Sequence<UInt8>) {
        guard let service = Self.allCases.first(where: { $0.name.utf8.elementsEqual(name) }) else { return nil }
        self = service
    }
}
