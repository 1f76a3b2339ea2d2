/// Where the aliases are that `newaliases` is about.
package struct AliasesPlace: Hashable, Sendable {
    /// The file that people edit.
    package let text: String
    /// The database that is made of it, which need not be there.
    package let database: String
    /// Whether the configuration asks for the database.
    package let isDatabase: Bool

    /// - Parameters:
    ///   - declaration: The table in the configuration as `TYPE:PATH`; nil when there is none.
    ///   - standard: The file without a table that is one or has a database of one.
    package init(of declaration: String?, else standard: String) {
        let parts = (declaration ?? "").split(separator: ":", maxSplits: 1).map(String.init)
        switch (parts.first, parts.count) {
        case ("file", 2):
            text = parts[1]
            isDatabase = false
        case ("db", 2):
            text = parts[1].hasSuffix(".db") ? String(parts[1].dropLast(3)) : parts[1]
            database = parts[1]
            isDatabase = true
            return
        default:
            text = standard
            isDatabase = false
        }
        database = text + ".db"
    }
}

extension Invocation {
    /// The configuration that `newaliases -f FILE` names; nil for none.
    package static func configurationFile(in arguments: [[UInt8]]) -> String? {
        var words = arguments[...]
        while let word = words.popFirst() {
            guard word.starts(with: Array("-f".utf8)) else { continue }
            let file = word.count > 2 ? Array(word.dropFirst(2)) : words.first
            return file.map { String(decoding: $0, as: UTF8.self) }
        }
        return nil
    }
}
