import Configuration

/// What expansion takes from the configuration, and its limits.
package struct ExpansionSettings: Hashable, Sendable {
    package var generation: Generation
    /// Between user and sub-address.
    package var subaddressDelimiter: UInt8
    /// Steps from the recipient at which an address or user is too deep.
    package var maximumDepth = 10
    /// Items that .forward files may add to one recipient.
    package var maximumForwarded = 100
    /// Items in total, those of include files too: bounds the work and memory for one RCPT.
    package var maximumNodes = 10_000

    package init(generation: Generation = .match, subaddressDelimiter: UInt8 = UInt8(ascii: "+")) {
        self.generation = generation
        self.subaddressDelimiter = subaddressDelimiter
    }

    package init(_ configuration: Configuration) {
        self.init(
            generation: configuration.generation, subaddressDelimiter: configuration.session.subaddressDelimiter)
    }
}

extension Configuration {
    /// The tables that actions use as alias or virtual maps, whose files are read leniently.
    package var aliasTables: Set<String> {
        var names: Set<String> = []
        for action in actions.values {
            guard case .local(let local) = action.kind else { continue }
            names.formUnion([local.aliases, local.virtual].compactMap { $0 })
        }
        return names
    }
}
