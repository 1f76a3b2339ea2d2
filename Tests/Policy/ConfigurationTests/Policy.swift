import Tables

@testable import Configuration

/// What a configuration decides, without names and places: two texts with equal policies treat all mail
/// alike.
struct Policy: Equatable {
    struct Decision: Equatable {
        var rule: String
        var action: String
    }

    var listeners: [Listener]
    var submission: Listener
    var decisions: [Decision]
    var queue: QueueSettings
    var session: SessionSettings
    var keyPairs: [String: KeyPair]

    init(_ configuration: Configuration) {
        func placeless(_ listener: Listener) -> Listener {
            var listener = listener
            listener.location = nil
            return listener
        }
        listeners = configuration.listeners.map(placeless)
        submission = placeless(configuration.submission)
        queue = configuration.queue
        session = configuration.session
        keyPairs = configuration.keyPairs
        let tables = Dictionary(
            uniqueKeysWithValues: configuration.tables.filter { $0.key.hasPrefix("<dynamic:") }.map { ($0.key, "\($0.value.content)") })
        func described(_ value: some Any) -> String {
            // Anonymous tables are told by what is in them.
            tables.reduce("\(value)") { text, table in replace(table.key, by: table.value, in: text) }
        }
        decisions = configuration.rules.map { rule in
            var rule = rule
            rule.location = SourceLocation(file: "", line: 1, column: 1)
            guard case .action(let name) = rule.decision, var action = configuration.actions[name] else {
                return Decision(rule: described(rule), action: "reject")
            }
            rule.decision = .reject
            action.name = ""
            return Decision(rule: described(rule), action: described(action))
        }
    }
}

private func replace(_ part: String, by other: String, in text: String) -> String {
    var result: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        if rest.starts(with: part.utf8) {
            result += other.utf8
            rest = rest.dropFirst(part.utf8.count)
        } else {
            result.append(rest.removeFirst())
        }
    }
    return String(decoding: result, as: UTF8.self)
}
