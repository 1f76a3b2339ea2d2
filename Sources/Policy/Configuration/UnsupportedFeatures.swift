/// Something the language has and the daemon cannot do yet.
///
/// The whole language parses and checks; a configuration that asks for one of these is right, and still
/// must not be started as if it were fulfilled. A case goes when its feature comes.
package enum UnsupportedFeature: Hashable, Sendable {
    /// `filter` and `filterchain` of 5.4, which worked with programs of their own.
    case legacyFilter
    /// In a build without the trait Compression.
    case queueCompression

    /// One sentence for the operator.
    package var text: String {
        switch self {
        case .legacyFilter: "Filters of 5.4 are not available: those of today belong to the grammar with match."
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

    /// Every use, in the order: filters, queue.
    package static func list(in configuration: Configuration) -> [Use] {
        var uses: [Use] = []
        for filter in configuration.filters where filter.kind == .legacy {
            uses.append(Use(feature: .legacyFilter, location: configuration.places.filters[filter.name]))
        }
        #if !Compression
            if configuration.queue.usesCompression {
                uses.append(Use(feature: .queueCompression, location: configuration.places.compression))
            }
        #endif
        return uses
    }
}
