/// A table whose whole content is in memory: written in the configuration, or read from a file.
///
/// Of entries with equal keys (ignoring case) the last one counts. What a pattern service needs is
/// prepared when it is first asked, so a table costs memory only for what it is used for.
package struct StaticTable: Sendable {
    package let name: String
    package let kind: TableKind
    /// In the order written; in a mapping one for each key.
    package let elements: [TableElement]
    private let positions: [TableKey: Int]
    private let delimiter: UInt8
    private var cursor = 0
    private var patterns: [TableService: PreparedPatterns] = [:]

    /// - Parameter subaddressDelimiter: Between user and tag in the keys of `mailaddr`.
    package init(
        name: String, kind: TableKind, elements: [TableElement], subaddressDelimiter: UInt8 = UInt8(ascii: "+")
    ) {
        self.name = name
        self.kind = kind
        self.delimiter = subaddressDelimiter
        var kept: [TableElement] = []
        var positions: [TableKey: Int] = [:]
        for element in elements {
            let key = TableKey(element.key)
            // In a list, entries that differ in case may be different regular expressions.
            if let position = positions[key], kind != .list || kept[position].key == element.key {
                kept[position] = element
            } else {
                positions[key] = kept.count
                kept.append(element)
            }
        }
        self.elements = kept
        self.positions = positions
    }

    /// Nil for a table with a back end of its own.
    package init?(_ definition: TableDefinition, subaddressDelimiter: UInt8 = UInt8(ascii: "+")) {
        let elements: [TableElement]
        switch definition.content {
        case .list(let items): elements = items.map { TableElement(key: $0) }
        case .mapping(let entries): elements = entries.map { TableElement(key: $0.key, value: $0.value) }
        case .backend: return nil
        }
        self.init(
            name: definition.name, kind: definition.kind, elements: elements, subaddressDelimiter: subaddressDelimiter)
    }

    /// - Returns: ``TableAnswer/failed(_:)`` for a key that is too long and for a look-up in a list.
    package mutating func answer(_ query: TableQuery) -> TableAnswer {
        switch query.operation {
        case .fetch:
            guard !elements.isEmpty else { return .notFound }
            cursor = (cursor + 1) % elements.count
            return .found(elements[(cursor + elements.count - 1) % elements.count].key)
        case .match:
            guard let key = TableKey(query: query) else { return .failed("key too long") }
            if let prepared = prepare(query.service) {
                return prepared.index.firstMatch(key).map { .found(elements[prepared.order[$0]].key) } ?? .notFound
            }
            return position(of: key, service: query.service).map { .found(elements[$0].key) } ?? .notFound
        case .lookup:
            guard let key = TableKey(query: query) else { return .failed("key too long") }
            // An empty list is taken for a mapping: an empty file has no shape.
            guard kind != .list || elements.isEmpty else { return .failed("table \(name) is a list") }
            guard let position = position(of: key, service: query.service) else { return .notFound }
            return elements[position].value.map { .found($0) } ?? .failed("entry without a value")
        }
    }

    /// Entries that can never match under that service, with the reason: for a warning when the
    /// configuration is checked.
    package mutating func invalidEntries(for service: TableService) -> [(entry: String, reason: String)] {
        switch service {
        case .netaddr:
            return elements.filter { element in
                NetworkPattern(element.key) == nil && TableKey(element.key) != TableKey("local")
            }.map { ($0.key, "not an address or a network") }
        case .regex:
            guard case .expressions(let index)? = prepare(.regex)?.index else { return [] }
            return index.invalid.map { ($0.pattern, $0.reason.reason) }
        case .alias, .domain, .credentials, .auth, .userinfo, .source, .mailaddr, .addrname, .mailaddrmap,
            .relayhost, .string:
            return []
        }
    }

    private func position(of key: TableKey, service: TableService) -> Int? {
        if let position = positions[key] { return position }
        guard service == .addrname else { return nil }
        return key.forms(for: service).lazy.compactMap { positions[$0] }.first
    }

    private struct PreparedPatterns: Sendable {
        let index: PatternIndex
        /// From the number of an entry in the index to its place in ``elements``.
        let order: [Int]
    }

    private mutating func prepare(_ service: TableService) -> PreparedPatterns? {
        if let known = patterns[service] { return known }
        let sorted = elements.enumerated()
            .map { (key: TableKey($0.element.key), place: $0.offset) }
            .sorted { $0.key < $1.key }
        let order = sorted.map(\.place)
        guard
            let index = PatternIndex(
                sorted.map(\.key), written: order.map { elements[$0].key }, for: service, delimiter: delimiter)
        else { return nil }
        let prepared = PreparedPatterns(index: index, order: order)
        patterns[service] = prepared
        return prepared
    }
}

/// One entry of a table.
package struct TableElement: Hashable, Sendable {
    /// As written.
    package var key: String
    /// Nil in a list.
    package var value: String?

    package init(key: String, value: String? = nil) {
        self.key = key
        self.value = value
    }
}
