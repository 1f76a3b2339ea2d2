import Tables

/// The settings `query_SERVICE` and `fetch_SERVICE`, with their times, as all databases of rows have them.
package struct ServiceQueries: Sendable {
    /// What answers a check or a lookup; the key is its one parameter.
    package let byKey: [TableService: String]
    /// What gives all elements of a service; without a parameter.
    package let elements: [TableService: String]
    /// How long elements are kept.
    package let fetching: [TableService: FetchPolicy]

    /// Services whose elements are asked for one after the other.
    package static let fetched: [TableService] = [.source, .relayhost]

    /// Takes all of them from a file.
    ///
    /// - Throws: When there is none: a table that can be asked nothing is a mistake.
    package init(taking settings: inout ProgramSettings) throws(ProgramSettings.Problem) {
        var byKey: [TableService: String] = [:]
        for service in TableService.allCases { byKey[service] = settings.take("query_\(service.name)") }
        self.byKey = byKey
        var elements: [TableService: String] = [:]
        var fetching: [TableService: FetchPolicy] = [:]
        for service in Self.fetched {
            elements[service] = settings.take("fetch_\(service.name)")
            // Times without a query are harmless: files that come with examples have them.
            fetching[service] = try FetchPolicy(taking: &settings, service)
        }
        self.elements = elements
        self.fetching = fetching
        if byKey.isEmpty, elements.isEmpty { throw .init("there is no query: see query_alias and its like") }
    }

    /// All services that there is a query for, in the order of their declaration.
    package var services: [TableService] { TableService.allCases.filter { byKey[$0] != nil || elements[$0] != nil } }

    /// The text that answers a question, and the name of its setting; nil when the file has none.
    package func text(for question: ProgramQuestion) -> (name: String, text: String)? {
        switch question {
        case .key(let service, _): byKey[service].map { ("query_\(service.name)", $0) }
        case .elements(let service): elements[service].map { ("fetch_\(service.name)", $0) }
        }
    }

    /// Whether a database has understood a query as it was meant.
    ///
    /// - Throws: For a query by key without a parameter, one for elements with one, and a wrong number of columns.
    package static func check(
        _ question: ProgramQuestion, _ name: String, parameters: Int, columns: Int
    ) throws(TableFailure) {
        switch question {
        case .key where parameters < 1: throw TableFailure("\(name) has no parameter for the key")
        case .elements where parameters != 0: throw TableFailure("\(name) must not have a parameter")
        case .key, .elements: break
        }
        guard columns == question.service.columns else {
            throw TableFailure("\(name) gives \(columns) columns and not \(question.service.columns)")
        }
    }
}
