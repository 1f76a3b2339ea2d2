/// A table as the configuration declares it.
package struct TableDefinition: Hashable, Sendable {
    /// The declared name, or `<dynamic:N>` for an anonymous one.
    package var name: String
    package var content: Content
    /// Seconds for which an answer of a program is used again; nil for not at all.
    package var cacheLifetime: Int64?

    package enum Content: Hashable, Sendable {
        /// `{ a, b }` or a single word.
        case list([String])
        /// `{ k = v, k2 = v2 }`, in the order written.
        case mapping([Entry])
        /// `type:path`; the path is nil for a back end without configuration.
        case backend(type: String, path: String?)
    }

    package struct Entry: Hashable, Sendable {
        package var key: String
        package var value: String
        package init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    package init(name: String, content: Content) {
        self.name = name
        self.content = content
    }

    /// The types that need no program.
    private static let ownTypes: Set<String> = ["file", "static", "db", "passwd", "getpwnam"]

    /// What a program is started with that answers for the table; nil for a table without one.
    package var program: (type: String, path: String?)? {
        guard case .backend(let type, let path) = content, !Self.ownTypes.contains(type) else { return nil }
        return (type, path)
    }

    package var kind: TableKind {
        switch content {
        case .list: .list
        case .mapping: .mapping
        case .backend: .dynamic
        }
    }
}
