/// Something the language has and the daemon cannot do yet.
///
/// The whole language parses and checks; a configuration that asks for one of these is right, and still
/// must not be started as if it were fulfilled. A case goes when its feature comes.
package enum UnsupportedFeature: Hashable, Sendable {
    /// `filter` and `filterchain` of 5.4, which worked with programs of their own.
    case legacyFilter
    case queueCompression
    case queueEncryption
    case srs
    /// A table of a type other than static, file and getpwnam.
    case tableBackend(String)

    /// One sentence for the operator.
    package var text: String {
        switch self {
        case .legacyFilter: "Filters of 5.4 are not available: those of today belong to the grammar with match."
        case .queueCompression: "Queue compression is not available yet."
        case .queueEncryption: "Queue encryption is not available yet."
        case .srs: "SRS is not available yet."
        case .tableBackend(let type): "Tables of type \(type) are not available yet."
        }
    }
}

/// Lists what a configuration asks for that the daemon cannot do yet.
package enum UnsupportedFeatures {
    /// One place that asks for a feature.
    package struct Use: Hashable, Sendable {
        package var feature: UnsupportedFeature
        /// Where it is asked for, nil where the configuration does not keep the place.
        package var location: SourceLocation?

        /// What to tell the operator.
        package var diagnostic: Diagnostic { Diagnostic(at: location, feature.text) }
    }

    /// Every use, in the order: actions, rules, tables, filters, queue.
    package static func list(in configuration: Configuration) -> [Use] {
        var uses: [Use] = []
        for (name, action) in configuration.actions.sorted(by: { $0.key < $1.key }) {
            note(action, configuration.places.actions[name], &uses)
        }
        for (name, table) in configuration.tables.sorted(by: { $0.key < $1.key }) {
            if case .backend(let type, _) = table.content, type != "file", type != "getpwnam" {
                uses.append(Use(feature: .tableBackend(type), location: configuration.places.tables[name]))
            }
        }
        for filter in configuration.filters where filter.kind == .legacy {
            uses.append(Use(feature: .legacyFilter, location: configuration.places.filters[filter.name]))
        }
        if configuration.queue.usesCompression {
            uses.append(Use(feature: .queueCompression, location: configuration.places.compression))
        }
        if configuration.queue.encryption != nil {
            uses.append(Use(feature: .queueEncryption, location: configuration.places.encryption))
        }
        if configuration.srs != nil { uses.append(Use(feature: .srs, location: configuration.places.srs)) }
        return uses
    }

    private static func note(_ action: Action, _ location: SourceLocation?, _ uses: inout [Use]) {
        switch action.kind {
        case .relay(let relay):
            if relay.usesSRS { uses.append(Use(feature: .srs, location: location)) }
        case .local: break
        }
    }
}
