// A small world for the machines to ask: tables, users' files, and shorthands for hand-written policies.
import Configuration
import Envelopes
import MailSyntax
import SMTPProtocol
import Tables
import Testing

@testable import Rules

func mail(_ text: String) -> MailAddress {
    let at = text.lastIndex(of: "@")!
    return MailAddress(
        try! LocalPart(validating: Array(text[..<at].utf8)),
        at: try! Domain(validating: Array(text[text.index(after: at)...].utf8)))
}

func network(_ text: String) -> ClientSource { .network(IPAddress(Array(text.utf8))!) }

func subject(
    from source: ClientSource = .local, sender: String = "ada@example.org", to recipient: String = "bob@example.org"
) -> RuleSubject {
    RuleSubject(
        source: source, helo: "client.example.net",
        sender: sender.isEmpty ? .null : .mailbox(mail(sender)), recipient: mail(recipient))
}

/// A rule at `smtpd.conf:LINE`.
func rule(_ line: Int, _ action: String?, _ change: (inout Rule) -> Void = { _ in }) -> Rule {
    var rule = Rule(
        location: SourceLocation(file: "smtpd.conf", line: line, column: 1),
        decision: action.map { .action($0) } ?? .reject)
    change(&rule)
    return rule
}

func local(_ name: String, _ method: LocalAction.Method, _ change: (inout LocalAction) -> Void = { _ in }) -> Action {
    var action = LocalAction(method: method)
    change(&action)
    return Action(name: name, kind: .local(action))
}

struct World {
    var tables: [String: StaticTable] = [:]
    var broken: Set<String> = []
    var forwards: [String: ForwardFile] = [:]
    var includes: [String: IncludeFile] = [:]
    var rules: [Rule] = []
    var actions: [String: Action] = [:]
    var settings = ExpansionSettings()
    var senderRewriting: SenderRewritingScheme?
    var asked: [TableQuery] = []
    var forwardsRead: [String] = []

    init() {
        list("<localhost>", "local", "127.0.0.1", "[::1]")
        list("<localnames>", "localhost", "mail.example.org")
        map(
            "<getpwnam>",
            ["root": "0:0:/root", "ada": "1000:1000:/home/ada", "bob": "1001:1001:/home/bob", "vmail": "500:500:/var/vmail"])
    }

    mutating func list(_ name: String, _ items: String...) {
        tables[name] = StaticTable(name: name, kind: .list, elements: items.map { TableElement(key: $0) })
    }

    mutating func map(_ name: String, _ entries: KeyValuePairs<String, String>) {
        tables[name] = StaticTable(
            name: name, kind: .mapping, elements: entries.map { TableElement(key: $0.key, value: $0.value) })
    }

    mutating func map(_ name: String, _ entries: [String: String]) {
        tables[name] = StaticTable(
            name: name, kind: .mapping, elements: entries.map { TableElement(key: $0.key, value: $0.value) })
    }

    mutating func action(_ action: Action) { actions[action.name] = action }

    mutating func forward(_ user: String, _ text: String) { forwards[user] = .content(Array(text.utf8)) }

    mutating func answer(_ query: TableQuery) -> TableAnswer {
        asked.append(query)
        if broken.contains(query.table) { return .failed("broken") }
        return tables[query.table]?.answer(query) ?? .failed("no such table")
    }

    mutating func evaluate(_ subject: RuleSubject) -> (outcome: RuleEvaluation.Outcome, trace: RuleTrace) {
        var evaluation = RuleEvaluation(rules: rules, subject: subject, generation: settings.generation)
        var step = evaluation.start()
        while true {
            switch step {
            case .ask(let query): step = evaluation.answer(answer(query))
            case .finished(let outcome, let trace): return (outcome, trace)
            }
        }
    }

    /// The decision as a word: the action's name, `reject`, `none` or `failed`.
    mutating func decision(_ subject: RuleSubject) -> String {
        switch evaluate(subject).outcome {
        case .decided(let rule):
            switch rule.decision {
            case .action(let name): name
            case .reject: "reject"
            }
        case .noMatch: "none"
        case .failed: "failed"
        }
    }

    mutating func expand(_ recipient: String, from facts: RuleSubject = subject()) -> ExpansionResult {
        var expansion = RecipientExpansion(
            recipient: mail(recipient), subject: facts, rules: rules, actions: actions, settings: settings,
            senderRewriting: senderRewriting)
        var step = expansion.start()
        while true {
            switch step {
            case .ask(let query):
                step = expansion.answer(answer(query))
            case .readForward(let user, _):
                forwardsRead.append(user.name)
                step = expansion.answer(forward: forwards[user.name] ?? .none)
            case .readInclude(let path):
                step = expansion.answer(include: includes[path] ?? .unreadable("no such file"))
            case .finished(let result):
                return result
            }
        }
    }

    /// The deliveries in words, or the reply's code and status.
    mutating func outcome(_ recipient: String, from facts: RuleSubject = subject()) -> [String] {
        switch expand(recipient, from: facts) {
        case .accepted(let deliveries, _): deliveries.map(describe)
        case .refused(let reply, _): ["\(reply.code) \(reply.status ?? "")"]
        }
    }
}

/// `action:what for destination`.
func describe(_ delivery: ResolvedDelivery) -> String {
    let what: String
    switch delivery.kind {
    case .relay: what = "relay"
    case .bounce: what = "bounce"
    case .local(let local):
        let user = (local.user ?? "-") + (local.subaddress.map { "+\($0)" } ?? "")
        switch local.method {
        case .action: what = user
        case .pipe(let command): what = "\(user)|\(command)"
        case .file(let path): what = "\(user)>\(path)"
        }
    }
    return "\(delivery.action):\(what) for \(delivery.destination.text)"
}
