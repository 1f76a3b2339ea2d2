import ControlMessages
import Envelopes

/// The words of smtpctl(8) and the requests they stand for.
///
/// A word is taken exactly, or as the beginning of one keyword only; parameters are always exact.
enum Commands {
    enum Parsed {
        case request(ClientToControl, Answer)
        case help
    }

    /// How the answer's count is worded.
    enum Answer {
        case plain
        /// `N envelope(s) removed`.
        case envelopes(String)
    }

    enum Problem: Error, Hashable {
        /// A word too many.
        case invalid(String)
        /// The words so far can go on in these ways; perhaps the wrong word was meant to be another.
        case incomplete([String], meant: String?)
    }

    private enum Token {
        case word(String)
        case envelopeID
        case messageID
        case table
    }

    private struct Command {
        let tokens: [Token]
        let make: ([Value]) -> (ClientToControl, Answer)
    }

    private enum Value {
        case envelope(EnvelopeID)
        case message(MessageID)
        case text(String)
    }

    private static func command(
        _ text: String, _ make: @escaping ([Value]) -> (ClientToControl, Answer)
    ) -> Command {
        Command(
            tokens: text.split(separator: " ").map { part in
                switch part {
                case "<evpid>": .envelopeID
                case "<msgid>": .messageID
                case "<name>": .table
                default: .word(String(part))
                }
            }, make: make)
    }

    private static func selection(_ values: [Value]) -> ControlSelection {
        switch values.first {
        case .envelope(let id): .envelope(id)
        case .message(let id): .message(id)
        case .text, nil: .all
        }
    }

    private static var all: [Command] {
        var commands: [Command] = [
            command("log brief") { _ in (.setVerbose(false), .plain) },
            command("log verbose") { _ in (.setVerbose(true), .plain) },
            command("reload") { _ in (.reload, .plain) },
            command("stop") { _ in (.stop, .plain) },
            command("show queue") { _ in (.showQueue(nil), .plain) },
            command("show queue <msgid>") { values in
                guard case .message(let id)? = values.first else { return (.showQueue(nil), .plain) }
                return (.showQueue(id), .plain)
            },
            command("show envelope <evpid>") { values in
                guard case .envelope(let id)? = values.first else { preconditionFailure("the token is an envelope id") }
                return (.showEnvelope(id), .plain)
            },
            command("show message <evpid>") { values in
                guard case .envelope(let id)? = values.first else { preconditionFailure("the token is an envelope id") }
                return (.showMessage(id.message), .plain)
            },
            command("show message <msgid>") { values in
                guard case .message(let id)? = values.first else { preconditionFailure("the token is a message id") }
                return (.showMessage(id), .plain)
            },
            command("show stats") { _ in (.showStatistics, .plain) },
            command("show status") { _ in (.showStatus, .plain) },
            command("update table <name>") { values in
                guard case .text(let name)? = values.first else { preconditionFailure("the token is a name") }
                return (.updateTable(name), .plain)
            },
        ]
        for target in ["<evpid>", "<msgid>", "all"] {
            commands += [
                command("schedule \(target)") { (.schedule(selection($0)), .envelopes("scheduled")) },
                command("remove \(target)") { (.remove(selection($0)), .envelopes("removed")) },
                command("pause envelope \(target)") { (.suspend(selection($0)), .envelopes("paused")) },
                command("resume envelope \(target)") { (.resume(selection($0)), .envelopes("resumed")) },
            ]
        }
        for service in ControlService.allCases {
            commands += [
                command("pause \(service)") { _ in (.setPaused(service, true), .plain) },
                command("resume \(service)") { _ in (.setPaused(service, false), .plain) },
            ]
        }
        return commands
    }

    /// All commands as lines of words, sorted.
    static var synopsis: [String] {
        all.map { line(of: $0) }.sorted()
    }

    private static func line(of command: Command, from start: Int = 0) -> String {
        command.tokens.dropFirst(start).map { token in
            switch token {
            case .word(let word): word
            case .envelopeID: "<evpid>"
            case .messageID: "<msgid>"
            case .table: "<name>"
            }
        }.joined(separator: " ")
    }

    /// Finds the command that the words name.
    static func parse(_ words: [String]) throws(Problem) -> (ClientToControl, Answer) {
        var candidates = all.map { (command: $0, values: [Value]()) }
        for (index, word) in words.enumerated() {
            let open = candidates.filter { $0.command.tokens.count > index }
            var exact: [(command: Command, values: [Value])] = []
            var abbreviated: [(command: Command, values: [Value])] = []
            var keywords: Set<String> = []
            for candidate in open {
                switch candidate.command.tokens[index] {
                case .word(let keyword):
                    if keyword == word { exact.append(candidate) }
                    else if keyword.hasPrefix(word) {
                        abbreviated.append(candidate)
                        keywords.insert(keyword)
                    }
                case .envelopeID:
                    if let id = EnvelopeID(word) { exact.append((candidate.command, candidate.values + [.envelope(id)])) }
                case .messageID:
                    if let id = MessageID(word) { exact.append((candidate.command, candidate.values + [.message(id)])) }
                case .table:
                    exact.append((candidate.command, candidate.values + [.text(word)]))
                }
            }
            if !exact.isEmpty {
                candidates = exact
            } else if keywords.count == 1 {
                candidates = abbreviated
            } else {
                guard !open.isEmpty else { throw .invalid(word) }
                // Of several that begin so none is more likely than the others.
                throw .incomplete(
                    Set((keywords.isEmpty ? open : abbreviated).map { line(of: $0.command) }).sorted(),
                    meant: keywords.isEmpty ? nearest(to: word, among: open.map(\.command), at: index) : nil)
            }
        }
        guard let found = candidates.first(where: { $0.command.tokens.count == words.count }) else {
            throw .incomplete(Set(candidates.map { line(of: $0.command) }).sorted(), meant: nil)
        }
        return found.command.make(found.values)
    }

    /// The keyword that stands at a place and is nearest to a word.
    private static func nearest(to word: String, among commands: [Command], at index: Int) -> String? {
        let keywords = commands.compactMap { command -> String? in
            guard case .word(let keyword) = command.tokens[index] else { return nil }
            return keyword
        }
        return NearestWord.of(word, among: Set(keywords))
    }
}
