import Platform
import Tables

/// All tables of a configuration, answering by name.
package struct TableSet: Sendable {
    /// Makes the back end of a type that is not built in; nil for a type it does not know.
    package typealias Factory = (_ type: String, _ path: String?, _ name: String) throws(TableUpdateError) ->
        (any TableBackend)?

    private var tables: [String: any TableBackend] = [:]

    /// Why the tables of a configuration cannot be used, each by its name.
    package struct LoadError: Error, Hashable, Sendable, CustomStringConvertible {
        package var failures: [String: TableUpdateError]

        package var description: String {
            failures.sorted { $0.key < $1.key }.map { "table \($0.key): \($0.value)" }.joined(separator: "\n")
        }
    }

    /// Reads every table.
    ///
    /// - Parameters:
    ///   - aliasTables: Names of those used as alias or virtual maps, whose files are read leniently.
    ///   - others: Makes the back ends of types that are not built in.
    /// - Throws: all failures together, so that the operator sees them at once.
    package init(
        _ definitions: [String: TableDefinition], aliasTables: Set<String> = [],
        subaddressDelimiter: UInt8 = UInt8(ascii: "+"),
        others: Factory = { _, _, _ in nil }
    ) throws(LoadError) {
        var failures: [String: TableUpdateError] = [:]
        for (name, definition) in definitions {
            do throws(TableUpdateError) {
                tables[name] = try Self.backend(
                    definition, format: aliasTables.contains(name) ? .aliases : .general, subaddressDelimiter, others)
            } catch {
                failures[name] = error
            }
        }
        guard failures.isEmpty else { throw LoadError(failures: failures) }
    }

    package mutating func answer(_ query: TableQuery) -> TableAnswer {
        tables[query.table]?.answer(query) ?? .failed("no table \(query.table)")
    }

    /// Reads one table again; its old content stays when that fails.
    package mutating func update(_ name: String) throws(TableUpdateError) {
        guard var table = tables.removeValue(forKey: name) else { throw .noSuchTable(name) }
        defer { tables[name] = table }
        try table.update()
    }

    /// The values of a mapping whose whole content is at hand; nil for any other table.
    package func values(of name: String) -> [String]? { tables[name]?.values }

    package var names: [String] { tables.keys.sorted() }

    /// Names of the tables whose files have changed since they were read.
    package var outdated: [String] { names.filter { tables[$0]?.isOutdated() ?? false } }

    /// Tables whose files have changed since they were read, with the state that the files are in now.
    package var changed: [String: FileStamp] { tables.compactMapValues { $0.changedStamp() } }

    /// What is wrong in one table but can be lived with.
    package func warnings(of name: String) -> [String] { tables[name]?.warnings ?? [] }

    /// What is wrong in the tables but can be lived with, each as `FILE:LINE: reason`.
    package var warnings: [String] { names.flatMap { tables[$0]?.warnings ?? [] } }

    /// Entries of a table that can never match under a service, each as `table NAME: ENTRY: reason`.
    package mutating func invalidEntries(in name: String, for service: TableService) -> [String] {
        (tables[name]?.invalidEntries(for: service) ?? []).map { "table \(name): \($0.entry): \($0.reason)" }
    }

    private static func backend(
        _ definition: TableDefinition, format: FileTable.Format, _ subaddressDelimiter: UInt8, _ others: Factory
    ) throws(TableUpdateError) -> any TableBackend {
        switch definition.content {
        case .list, .mapping:
            guard let table = StaticTable(definition, subaddressDelimiter: subaddressDelimiter) else {
                preconditionFailure("a list or mapping is a static table")
            }
            return table
        case .backend(let type, let path):
            switch type {
            case "static", "file":
                guard let path else { throw .missingPath(type: type) }
                return try FileTable(
                    name: definition.name, path: path, format: format, subaddressDelimiter: subaddressDelimiter)
            case "db":
                guard let path else { throw .missingPath(type: type) }
                return try DatabaseTable(name: definition.name, path: path, subaddressDelimiter: subaddressDelimiter)
            case "passwd":
                guard let path else { throw .missingPath(type: type) }
                return try PasswdTable(path: path)
            case "getpwnam":
                return UserDatabaseTable()
            default:
                guard let table = try others(type, path, definition.name) else { throw .unknownType(type) }
                return table
            }
        }
    }
}
