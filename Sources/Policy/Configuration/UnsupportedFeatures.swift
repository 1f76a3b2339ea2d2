/// Something the language has and the daemon cannot do yet.
///
/// The whole language parses and checks; a configuration that asks for one of these is right, and still
/// must not be started as if it were fulfilled. A case goes when its feature comes.
package enum UnsupportedFeature: Hashable, Sendable {
    case filters
    case filterProcesses
    /// In a build without the trait Compression.
    case queueCompression

    /// One sentence for the operator.
    package var text: String {
        switch self {
        case .filters: "Filters are not available yet."
        case .filterProcesses: "Filter processes are not available yet."
        case .queueCompression: "Queue compression is not in this build: it needs the trait Compression."
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

    /// Every use, in the order: listeners, actions, filters, queue.
    package static func list(in configuration: Configuration) -> [Use] {
        var uses: [Use] = []
        for listener in configuration.listeners + [configuration.submission] { note(listener, &uses) }
        for (name, action) in configuration.actions.sorted(by: { $0.key < $1.key }) {
            note(action, configuration.places.actions[name], &uses)
        }
        for filter in configuration.filters {
            uses.append(Use(feature: .filters, location: configuration.places.filters[filter.name]))
        }
        for process in configuration.filterProcesses {
            uses.append(Use(feature: .filterProcesses, location: configuration.places.filterProcesses[process.name]))
        }
        #if !Compression
            if configuration.queue.usesCompression {
                uses.append(Use(feature: .queueCompression, location: configuration.places.compression))
            }
        #endif
        return uses
    }

    private static func note(_ listener: Listener, _ uses: inout [Use]) {
        func add(_ feature: UnsupportedFeature) { uses.append(Use(feature: feature, location: listener.location)) }
        if listener.filter != nil { add(.filters) }
    }

    private static func note(_ action: Action, _ location: SourceLocation?, _ uses: inout [Use]) {
        switch action.kind {
        case .relay(let relay):
            if relay.filter != nil { uses.append(Use(feature: .filters, location: location)) }
        case .local: break
        }
    }
}
