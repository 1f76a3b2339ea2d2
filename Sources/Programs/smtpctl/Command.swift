import ControlMessages
import Envelopes
import MailSyntax

/// One command of smtpctl(8): the words it is written with, and what it leads to.
///
/// Each subject has a file `Commands+Subject.swift` with its commands; ``Commands/all`` puts them together. Completions,
/// the usage and a test of the manual page are made from this table.
struct Command {
    /// A place in the line.
    enum Token: Hashable {
        case word(String)
        /// Any text, named for what it is: `table`.
        case text(String)
        case envelopeID
        case messageID
        case routeID
        /// An address literal, or `*`.
        case address
        /// One word or more of a ``QueueFilter``; always the last.
        case filter
        /// One word or more of a ``HistoryFilter``; always the last.
        case events
        /// One word or more, `name=value` each; always the last.
        case facts

        /// As the usage shows it.
        var text: String {
            switch self {
            case .word(let word): word
            case .text(let name): "<\(name)>"
            case .envelopeID: "<evpid>"
            case .messageID: "<msgid>"
            case .routeID: "<routeid>"
            case .address: "<address>"
            case .filter: "<filter>"
            case .events: "<events>"
            case .facts: "<facts>"
            }
        }
    }

    let tokens: [Token]
    let make: (Parameters) -> Action

    /// The whole line, as the usage shows it.
    var line: String { tokens.map(\.text).joined(separator: " ") }

    /// What stands at a place of the line; filters and facts go on for as long as there are words.
    func token(at index: Int) -> Token? {
        if index < tokens.count { return tokens[index] }
        return goesOn ? tokens.last : nil
    }

    /// Whether a line of so many words is complete.
    func takes(_ count: Int) -> Bool { goesOn ? count >= tokens.count : count == tokens.count }

    /// Whether the last token stands for as many words as there are.
    private var goesOn: Bool { tokens.last == .filter || tokens.last == .events || tokens.last == .facts }
}

/// Declares a command: `command("show envelope <evpid>") { ... }`.
func command(_ text: String, _ make: @escaping (Parameters) -> Action) -> Command {
    Command(
        tokens: text.split(separator: " ").map { part in
            switch part {
            case "<evpid>": .envelopeID
            case "<msgid>": .messageID
            case "<routeid>": .routeID
            case "<address>": .address
            case "<filter>": .filter
            case "<events>": .events
            case "<facts>": .facts
            case _ where part.hasPrefix("<"): .text(String(part.dropFirst().dropLast()))
            default: .word(String(part))
            }
        }, make: make)
}

/// The parameters of a line, in order, checked.
struct Parameters {
    enum Value {
        case envelope(EnvelopeID)
        case message(MessageID)
        case number(UInt64)
        case address(IPAddress?)
        case text(String)
    }

    var values: [Value] = []
    var filter: QueueFilter?
    var events: HistoryFilter?
    /// `--json`.
    var asJSON = false

    /// Which envelopes the line is about; all when it names none.
    var selection: ControlSelection {
        if let filter { return .matching(filter) }
        switch values.first {
        case .envelope(let id): return .envelope(id)
        case .message(let id): return .message(id)
        case .number, .address, .text, nil: return .all
        }
    }

    /// Which events the line is about; all when it names none.
    var history: HistoryFilter {
        if let events { return events }
        switch values.first {
        case .envelope(let id): return HistoryFilter(envelope: id)
        case .message(let id): return HistoryFilter(message: id)
        case .number, .address, .text, nil: return HistoryFilter()
        }
    }

    var envelope: EnvelopeID {
        guard case .envelope(let id)? = values.first else { preconditionFailure("the token is an envelope id") }
        return id
    }

    /// Of the message, or of the envelope's message.
    var message: MessageID {
        switch values.first {
        case .message(let id): return id
        case .envelope(let id): return id.message
        case .number, .address, .text, nil: preconditionFailure("the token is an id")
        }
    }

    var number: UInt64 {
        guard case .number(let number)? = values.first else { preconditionFailure("the token is a number") }
        return number
    }

    var address: IPAddress? {
        guard case .address(let address)? = values.first else { preconditionFailure("the token is an address") }
        return address
    }

    /// All that are texts, in order.
    var texts: [String] {
        values.compactMap { value in
            if case .text(let text) = value { text } else { nil }
        }
    }

    /// The last one.
    var text: String {
        guard case .text(let text)? = values.last else { preconditionFailure("the token is a text") }
        return text
    }
}

/// What a command leads to.
enum Action {
    /// A request of the daemon.
    case ask(ClientToControl, Answer)
    /// Something that is done here; the process ends with it.
    case run(LocalCommand)
}

/// What the daemon's answer looks like, for people and for programs.
enum Answer: Hashable {
    /// `command succeeded`.
    case plain
    /// `N envelopes removed`.
    case envelopes(String)
    /// What was asked for, as it comes.
    case output
    /// Lines of `show queue`.
    case queue
    /// `name: value` lines of one thing.
    case fields
    /// `key=value` lines.
    case statistics
    /// `NAME state` lines.
    case status
    /// The text of a message.
    case message
}

/// A command that needs no daemon, or asks it again and again.
enum LocalCommand: Hashable {
    /// Hashes a password, or each line of standard input, with a method of crypt(5) or the best there is.
    case encrypt(String?, method: String?)
    /// Prints the networks of the SPF records of the domains on standard input.
    case walkSPF
    /// Looks at the installation, perhaps with a message that is sent to root.
    case examine(sendsProbe: Bool)
    /// Writes a configuration; nil for a server that is none.
    case setUp(SetupWish?, Setup.Login)
    /// Explains a configuration that no daemon needs to run with: its file, then the words of the question.
    case explain(file: String, [String], asJSON: Bool)
    /// Prints completions for a shell.
    case complete(String)
    /// A line of counters each second.
    case monitor
    /// The daemon live on the terminal.
    case top
    /// What OpenSMTPD has and this server has no use for, and what there is instead.
    case absent(String)
}
