import Configuration

/// A filter program that a configuration has use for, with all that it is started with and told.
package struct FilterPlan: Hashable, Sendable {
    package var process: FilterProcess
    /// At least one: a program that nothing refers to is not started.
    package var subsystems: Set<FilterSubsystem>
    package var admd: String

    /// In the order of the configuration.
    package static func plans(in configuration: Configuration) -> [FilterPlan] {
        let uses = subsystems(
            filters: configuration.filters, listeners: configuration.listeners + [configuration.submission],
            actions: configuration.actions)
        return configuration.filterProcesses.compactMap { process in
            uses[process.name].map { FilterPlan(process: process, subsystems: $0, admd: configuration.admd) }
        }
    }

    /// Which sessions each program hears of, by its name; programs that hear of none are missing.
    package static func subsystems(
        filters: [FilterDefinition], listeners: [Listener], actions: [String: Action]
    ) -> [String: Set<FilterSubsystem>] {
        var result: [String: Set<FilterSubsystem>] = [:]
        func add(_ reference: FilterReference?, _ subsystem: FilterSubsystem) {
            guard let reference else { return }
            for filter in chain(reference, in: filters) {
                if case .process(let name) = filter.kind { result[name, default: []].insert(subsystem) }
            }
        }
        for listener in listeners { add(listener.filter, .incoming) }
        for action in actions.values {
            if case .relay(let relay) = action.kind { add(relay.filter, .outgoing) }
        }
        return result
    }

    /// The filters that a reference stands for, in the order in which they are asked; chains are resolved.
    package static func chain(_ reference: FilterReference, in filters: [FilterDefinition]) -> [FilterDefinition] {
        let names: [String]
        switch reference {
        case .chain(let members): names = members
        case .named(let name):
            guard let filter = filters.first(where: { $0.name == name }) else { return [] }
            guard case .chain(let members) = filter.kind else { return [filter] }
            names = members
        }
        return names.compactMap { name in filters.first { $0.name == name } }
    }
}
