import Platform
import Tables

/// A table whose content is a text file, held in memory (types `file` and `static`).
package struct FileTable: TableBackend {
    package enum Format: UInt8, Hashable, Sendable {
        /// A list or mapping; one malformed line spoils it.
        case general
        /// An alias or virtual map; a malformed line costs that line.
        case aliases
    }

    package let name: String
    package let path: String
    private let format: Format
    private let subaddressDelimiter: UInt8
    private var table: StaticTable
    private var stamp: FileStamp
    private var problems: [TableFileProblem]

    /// Bytes of a table file; far beyond it a database serves better.
    package static let maximumSize = TableContent.maximumSize

    private struct Content {
        let table: StaticTable
        let stamp: FileStamp
        let problems: [TableFileProblem]
    }

    /// Reads the file.
    ///
    /// - Throws: ``TableUpdateError/unreadable(_:)``, also with EFBIG above ``maximumSize``,
    ///   ``TableUpdateError/notRegularFile(_:)``, ``TableUpdateError/malformed(path:_:)``.
    package init(
        name: String, path: String, format: Format, subaddressDelimiter: UInt8 = UInt8(ascii: "+")
    ) throws(TableUpdateError) {
        self.name = name
        self.path = path
        self.format = format
        self.subaddressDelimiter = subaddressDelimiter
        let content = try Self.read(name, path, format, subaddressDelimiter)
        table = content.table
        stamp = content.stamp
        problems = content.problems
    }

    package mutating func answer(_ query: TableQuery) -> TableAnswer { table.answer(query) }

    package mutating func update() throws(TableUpdateError) {
        let content = try Self.read(name, path, format, subaddressDelimiter)
        table = content.table
        stamp = content.stamp
        problems = content.problems
    }

    package var values: [String]? { table.values }

    package var warnings: [String] { problems.map { "\(path):\($0.line): \($0.reason)" } }

    package mutating func invalidEntries(for service: TableService) -> [(entry: String, reason: String)] {
        table.invalidEntries(for: service)
    }

    /// True as well when the file cannot be looked at: updating then says why.
    package func isOutdated() -> Bool { TableContent.stamp(path) != stamp }

    package func changedStamp() -> FileStamp? {
        guard let now = TableContent.stamp(path) else { return nil }
        return now == stamp ? nil : now
    }

    private static func read(
        _ name: String, _ path: String, _ format: Format, _ subaddressDelimiter: UInt8
    ) throws(TableUpdateError) -> Content {
        let content = try TableContent(path)
        let file = format == .aliases ? TableFile(aliases: content.bytes) : TableFile(content.bytes)
        guard file.isUsable else { throw .malformed(path: path, file.errors) }
        let table = StaticTable(
            name: name, kind: file.kind, elements: file.elements, subaddressDelimiter: subaddressDelimiter)
        return Content(table: table, stamp: content.stamp, problems: file.warnings)
    }
}
