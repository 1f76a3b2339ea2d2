import ControlMessages
import Envelopes
import MailSyntax

/// The words of smtpctl(8) and what they stand for.
///
/// A word is taken exactly, or as the beginning of one keyword only; parameters are always exact.
enum Commands {
    static var all: [Command] { queue + services + routing + decisions + daemon + installation + tools }

    enum Problem: Error, Hashable {
        /// A word too many.
        case invalid(String)
        /// The words so far can go on in these ways; perhaps the wrong word was meant to be another.
        case incomplete([String], meant: String?)
        /// Words that look like a filter are none.
        case filter(QueueFilter.Problem)
        case events(HistoryFilter.Problem)
    }

    /// All commands as lines of words, sorted.
    static var synopsis: [String] { all.map(\.line).sorted() }

    private struct Candidate {
        let command: Command
        var parameters: Parameters
    }

    /// Finds the command that the words name.
    ///
    /// - Parameter asJSON: `--json` was among the words, and has been taken out of them.
    static func parse(_ words: [String], asJSON: Bool = false) throws(Problem) -> Action {
        var candidates = all.map { Candidate(command: $0, parameters: Parameters(asJSON: asJSON)) }
        for (index, word) in words.enumerated() {
            let open = candidates.filter { $0.command.token(at: index) != nil }
            let fitting = fit(word, open, at: index)
            guard fitting.isEmpty else {
                candidates = fitting
                continue
            }
            guard !open.isEmpty else { throw .invalid(word) }
            let keywords = keywords(of: open, at: index)
            let abbreviated = keywords.filter { $0.hasPrefix(word) }
            if abbreviated.count == 1 {
                candidates = open.filter { $0.command.token(at: index) == .word(abbreviated[abbreviated.startIndex]) }
                continue
            }
            // Of several that begin so none is more likely than the others.
            let lines = open.filter { candidate in
                guard !abbreviated.isEmpty, case .word(let keyword)? = candidate.command.token(at: index) else { return abbreviated.isEmpty }
                return keyword.hasPrefix(word)
            }
            throw .incomplete(
                Set(lines.map(\.command.line)).sorted(),
                meant: abbreviated.isEmpty ? NearestWord.of(word, among: keywords) : nil)
        }
        guard var found = candidates.first(where: { $0.command.takes(words.count) }) else {
            throw .incomplete(Set(candidates.map(\.command.line)).sorted(), meant: nil)
        }
        if found.command.tokens.last == .filter {
            do throws(QueueFilter.Problem) {
                found.parameters.filter = try QueueFilter(words: Array(words[(found.command.tokens.count - 1)...]))
            } catch {
                throw .filter(error)
            }
        }
        if found.command.tokens.last == .events {
            do throws(HistoryFilter.Problem) {
                found.parameters.events = try HistoryFilter(words: Array(words[(found.command.tokens.count - 1)...]))
            } catch {
                throw .events(error)
            }
        }
        return found.command.make(found.parameters)
    }

    private static func keywords(of candidates: [Candidate], at index: Int) -> Set<String> {
        Set(
            candidates.compactMap { candidate in
                guard case .word(let keyword)? = candidate.command.token(at: index) else { return nil }
                return keyword
            })
    }

    /// Those whose keyword is the word, or that take it as a parameter. A text is anything, so a keyword comes before it.
    private static func fit(_ word: String, _ open: [Candidate], at index: Int) -> [Candidate] {
        let fitting = open.compactMap { candidate -> Candidate? in
            var candidate = candidate
            switch candidate.command.token(at: index) {
            case .word(let keyword): return keyword == word ? candidate : nil
            case .filter, .events: return word.contains("=") ? candidate : nil
            case .text, .facts: candidate.parameters.values.append(.text(word))
            case .envelopeID:
                guard let id = EnvelopeID(word) else { return nil }
                candidate.parameters.values.append(.envelope(id))
            case .messageID:
                guard let id = MessageID(word) else { return nil }
                candidate.parameters.values.append(.message(id))
            case .routeID:
                guard let number = UInt64(word), number > 0, number <= UInt64(Int64.max) else { return nil }
                candidate.parameters.values.append(.number(number))
            case .address:
                let address = IPAddress(word.utf8)
                guard address != nil || word == "*" else { return nil }
                candidate.parameters.values.append(.address(address))
            case nil: return nil
            }
            return candidate
        }
        let exact = fitting.filter { $0.command.token(at: index) == .word(word) }
        return exact.isEmpty ? fitting : exact
    }
}
