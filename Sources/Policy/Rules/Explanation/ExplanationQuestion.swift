import Envelopes
import MailSyntax

/// What is to be explained: an address with the facts of a session that might name it, or an envelope that waits.
///
/// Written as words: the address or the id of the envelope, then `name=value` for each fact that is not as a program on
/// this machine would have it.
package struct ExplanationQuestion: Hashable, Sendable {
    package enum Target: Hashable, Sendable {
        case address(MailAddress)
        case envelope(EnvelopeID)
    }

    package var target: Target
    /// Of an address; an envelope has its own.
    package var transaction: Transaction
    /// By what name the client knows where it is connected; nil for the facts of none.
    package var listener: String?
    /// Whether the DNS may be asked where mail would go.
    package private(set) var asksDNS = true
    private var given: Set<String> = []

    /// Why words are no question.
    package struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// The names of facts, for usage and completion.
    package static let facts = ["sender", "client", "rdns", "helo", "user", "listener", "tag", "tls", "dns"]
    /// Words and bytes of each, at most.
    package static let maximumWords = 16
    package static let maximumWord = 1_000

    package init(words: [String]) throws(Problem) {
        guard let first = words.first else { throw Problem(description: "an address or the id of an envelope is missing") }
        guard words.count <= Self.maximumWords, words.allSatisfy({ $0.utf8.count <= Self.maximumWord }) else {
            throw Problem(description: "too much to explain at once")
        }
        transaction = Transaction(
            sender: .null, source: .local, reverseName: "localhost", helo: "localhost", serverName: "localhost")
        if let id = EnvelopeID(first) {
            target = .envelope(id)
            guard words.count == 1 else { throw Problem(description: "an envelope has its facts already: \(words[1])") }
            return
        }
        target = .address(try Self.address(first))
        for word in words.dropFirst() {
            guard let mark = word.firstIndex(of: "=") else { throw Problem(description: "\(word): not name=value") }
            try take(String(word[..<mark]), String(word[word.index(after: mark)...]))
        }
    }

    private mutating func take(_ name: String, _ value: String) throws(Problem) {
        given.insert(name)
        switch name {
        case "sender": transaction.sender = value.isEmpty || value == "<>" ? .null : .mailbox(try Self.address(value))
        case "client":
            if value == "local" {
                transaction.source = .local
            } else {
                guard let address = IPAddress(value.utf8) ?? IPAddress(literal: value.utf8) else {
                    throw Problem(description: "\(value): no address of a client; an IP address, or local")
                }
                transaction.source = .network(address)
                if transaction.reverseName == "localhost" { transaction.reverseName = "<unknown>" }
            }
        case "rdns": transaction.reverseName = value
        case "helo": transaction.helo = value
        case "user":
            transaction.user = value
            transaction.isAuthenticated = true
        case "listener": listener = value
        case "tag": transaction.tag = value
        case "tls":
            guard value == "yes" || value == "no" else { throw Problem(description: "tls=\(value): yes or no") }
            transaction.usesTLS = value == "yes"
        case "dns":
            guard value == "yes" || value == "no" else { throw Problem(description: "dns=\(value): yes or no") }
            asksDNS = value == "yes"
        default:
            throw Problem(description: "\(name): no such fact; there are \(Self.facts.joined(separator: ", "))")
        }
    }

    /// Takes what the listener decides, where the words do not say otherwise.
    package mutating func take(_ facts: ListenerFacts) {
        if !given.contains("tag") { transaction.tag = facts.tag }
        if !given.contains("tls") { transaction.usesTLS = facts.usesTLS }
    }

    private static func address(_ text: String) throws(Problem) -> MailAddress {
        var bytes = Array(text.utf8)
        if bytes.first == UInt8(ascii: "<"), bytes.last == UInt8(ascii: ">") { bytes = Array(bytes.dropFirst().dropLast()) }
        do throws(AddressSyntaxError) {
            return try MailAddress(parsing: bytes)
        } catch {
            throw Problem(description: "\(text): neither an address with a domain nor the id of an envelope")
        }
    }
}
