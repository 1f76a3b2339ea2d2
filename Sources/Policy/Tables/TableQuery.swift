/// One question to one table. Questions and answers are values: whoever decides returns the
/// question, whoever holds the tables answers it.
package struct TableQuery: Hashable, Sendable {
    package var table: String
    package var service: TableService
    package var operation: Operation
    /// The key as it is; the table lowercases it. Empty for ``Operation/fetch``.
    package var key: String

    package enum Operation: UInt8, Hashable, Sendable {
        /// Is the key in it? (For pattern services: does an entry match it?)
        case match = 1
        /// The value of the key.
        case lookup
        /// The next element, in turn.
        case fetch
    }

    /// The longest key a table is asked for, in bytes; longer ones are answered ``TableAnswer/failed(_:)``.
    package static let maximumKeyLength = 1023

    package init(table: String, service: TableService, operation: Operation, key: String) {
        self.table = table
        self.service = service
        self.operation = operation
        self.key = key
    }
}

package enum TableAnswer: Hashable, Sendable {
    /// The value for a lookup or fetch; the entry that matched, for a match.
    case found(String)
    case notFound
    /// The table could not say: always a temporary failure for whoever asked.
    case failed(String)
}
