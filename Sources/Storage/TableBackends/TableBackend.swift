import Platform
import Tables

/// Something that answers for one table: the form in which every kind of table is used.
///
/// Answers come at once; a back end that has to wait for a network does not belong on an event loop
/// and has a process of its own. Not shared: answering may move a cursor or fill an index.
package protocol TableBackend: Sendable {
    mutating func answer(_ query: TableQuery) -> TableAnswer

    /// Reads the content again (`smtpctl update table`). When that fails the old content stays.
    mutating func update() throws(TableUpdateError)

    /// What is wrong with the content but can be lived with, each as `FILE:LINE: reason`.
    var warnings: [String] { get }

    /// Entries that can never match under a service, with the reason: for a warning when a
    /// configuration is checked.
    mutating func invalidEntries(for service: TableService) -> [(entry: String, reason: String)]

    /// The values of a mapping whose whole content is at hand; nil for a table that would have to search.
    var values: [String]? { get }

    /// True when ``update()`` would read something else than what is in use.
    func isOutdated() -> Bool

    /// The state of the file when it is another than what is in use was read from; nil without a file that can be
    /// looked at.
    func changedStamp() -> FileStamp?
}

extension TableBackend {
    package var warnings: [String] { [] }
    package func isOutdated() -> Bool { false }
    package func changedStamp() -> FileStamp? { nil }
    package var values: [String]? { nil }
    package mutating func invalidEntries(for service: TableService) -> [(entry: String, reason: String)] { [] }
}

/// What the configuration says cannot change behind its back.
extension StaticTable: TableBackend {
    package mutating func update() throws(TableUpdateError) {}
    package var values: [String]? { elements.compactMap(\.value) }
}

/// Why a table could not be read.
package enum TableUpdateError: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable(SystemError)
    /// A directory, a FIFO or a device.
    case notRegularFile(String)
    /// The first lines that are wrong, at least one.
    case malformed(path: String, [TableFileProblem])
    case noSuchTable(String)
    /// `TYPE:PATH` with a type that nothing here serves.
    case unknownType(String)
    /// A type that needs a path, without one.
    case missingPath(type: String)
    /// In the words of a back end of its own.
    case failed(String)

    /// One line for each thing wrong, those in a file as `FILE:LINE: reason`.
    package var description: String {
        switch self {
        case .unreadable(let error): error.description
        case .notRegularFile(let path): "\(path): not a regular file"
        case .malformed(let path, let problems):
            problems.map { "\(path):\($0.line): \($0.reason)" }.joined(separator: "\n")
        case .noSuchTable(let name): "no table \(name)"
        case .unknownType(let type): "unknown table type \(type)"
        case .missingPath(let type): "table type \(type) needs a path"
        case .failed(let reason): reason
        }
    }
}
