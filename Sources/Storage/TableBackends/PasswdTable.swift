import Platform
import Tables

/// Users without accounts in a file in the form of passwd(5) (type `passwd`), held in memory.
package struct PasswdTable: TableBackend {
    package let path: String
    private var file: PasswdFile
    private var stamp: FileStamp

    /// - Throws: As ``FileTable`` does.
    package init(path: String) throws(TableUpdateError) {
        self.path = path
        (file, stamp) = try Self.read(path)
    }

    package mutating func answer(_ query: TableQuery) -> TableAnswer { file.answer(query) }

    package mutating func update() throws(TableUpdateError) { (file, stamp) = try Self.read(path) }

    package var values: [String]? { file.credentials }

    package func isOutdated() -> Bool { TableContent.stamp(path) != stamp }

    package func changedStamp() -> FileStamp? {
        guard let now = TableContent.stamp(path) else { return nil }
        return now == stamp ? nil : now
    }

    private static func read(_ path: String) throws(TableUpdateError) -> (PasswdFile, FileStamp) {
        let content = try TableContent(path)
        let file = PasswdFile(content.bytes)
        guard file.errors.isEmpty else { throw .malformed(path: path, file.errors) }
        return (file, content.stamp)
    }
}
