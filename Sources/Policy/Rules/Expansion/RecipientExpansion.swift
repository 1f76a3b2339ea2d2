import Configuration
import Envelopes
import MailSyntax
import SMTPProtocol
import Tables

/// What the expansion of a recipient needs next.
package enum ExpansionStep: Hashable, Sendable {
    /// Answered by ``RecipientExpansion/answer(_:)``.
    case ask(TableQuery)
    /// Read `.forward` in the directory as that user; answered by ``RecipientExpansion/answer(forward:)``.
    case readForward(user: UserInfo, userbase: String)
    /// Answered by ``RecipientExpansion/answer(include:)``.
    case readInclude(String)
    case finished(ExpansionResult)
}

/// Follows one recipient through rules, aliases, virtual maps and .forward files to its deliveries.
///
/// A pull machine: it returns what it needs to know and is told. It starts with the address of RCPT;
/// every address goes through the rules, every user through the aliases of its action, then to its
/// .forward. What is reached twice is followed once. One failure anywhere refuses the recipient as a
/// whole, so that no part of a list is lost unseen.
///
/// Nodes are worked off first come, first served. Routing of relays is not its business.
package struct RecipientExpansion: Sendable {
    enum State {
        case ready
        /// Not waiting: left by the next question or the result.
        case working
        /// An address waits for the rules.
        case matching(Int, RuleEvaluation)
        /// A name waits for an alias or virtual map; further keys to try if this one is not there.
        case mapping(Int, TableQuery, further: ArraySlice<String>)
        /// A user waits for its user information.
        case identifying(Int, LocalUser)
        /// A user waits for its .forward.
        case forwarding(Int, LocalUser, UserInfo)
        /// An include file is being read.
        case including(Int, path: String)
        case finished
    }

    /// A name split at the sub-address delimiter.
    struct LocalUser {
        var name: String
        var subaddress: String?
    }

    let recipient: MailAddress
    let subject: RuleSubject
    let rules: [Rule]
    let actions: [String: Action]
    let settings: ExpansionSettings
    let senderRewriting: SenderRewritingScheme?
    var state = State.ready
    var nodes: [ExpansionNode] = []
    /// The next node to work on.
    private var next = 0
    private var seen: Set<ExpansionNode.Key> = []
    private var forwarded = 0
    private var deliveries: [ResolvedDelivery] = []
    private var delivered: Set<ResolvedDelivery> = []
    private var hasUnreadableInclude = false
    var trace = ExpansionTrace()
    /// What the tables of rules have said about this recipient.
    var answers: [TableQuery: TableAnswer] = [:]

    /// - Parameters:
    ///   - subject: The facts of the session; its recipient is replaced.
    ///   - senderRewriting: How senders are rewritten that reports may come back to.
    package init(
        recipient: MailAddress, subject: RuleSubject, rules: [Rule], actions: [String: Action],
        settings: ExpansionSettings, senderRewriting: SenderRewritingScheme? = nil
    ) {
        self.recipient = recipient
        self.subject = subject
        self.rules = rules
        self.actions = actions
        self.settings = settings
        self.senderRewriting = senderRewriting
    }

    package mutating func start() -> ExpansionStep {
        guard case .ready = state else { preconditionFailure("an expansion starts once") }
        add(ExpansionNode(content: .address(recipient), origin: .recipient, depth: 0, destination: recipient))
        return advance()
    }

    /// Takes the answer to ``ExpansionStep/ask(_:)``.
    package mutating func answer(_ answer: TableAnswer) -> ExpansionStep {
        let step: ExpansionStep?
        let waiting = state
        // The evaluation has one owner again, so its answers are not copied to add one.
        state = .working
        switch consume waiting {
        case .matching(let node, var evaluation):
            let outcome = evaluation.answer(answer)
            step = take(outcome, of: evaluation, node: node)
        case .mapping(let node, let query, let further):
            step = take(answer, to: query, further: further, node: node)
        case .identifying(let node, let user):
            step = identified(user, by: answer, node: node)
        case .ready, .working, .forwarding, .including, .finished:
            preconditionFailure("a table's answer without a question")
        }
        return step ?? advance()
    }

    /// Takes the answer to ``ExpansionStep/readForward(user:userbase:)``.
    package mutating func answer(forward: ForwardFile) -> ExpansionStep {
        guard case .forwarding(let node, let user, let info) = state else {
            preconditionFailure("a .forward without a question")
        }
        return take(forward, of: user, info, node: node) ?? advance()
    }

    /// Takes the answer to ``ExpansionStep/readInclude(_:)``.
    package mutating func answer(include: IncludeFile) -> ExpansionStep {
        guard case .including(let node, let path) = state else {
            preconditionFailure("an include file without a question")
        }
        return take(include, from: path, node: node) ?? advance()
    }

    /// Works until something must be asked or all is done.
    private mutating func advance() -> ExpansionStep {
        while next < nodes.count {
            let index = next
            next += 1
            if let step = work(on: index) { return step }
        }
        if !deliveries.isEmpty {
            state = .finished
            return .finished(.accepted(deliveries, trace))
        }
        // What cannot be read now may hold the recipients that are missing.
        return refuse(hasUnreadableInclude ? .nobodyLeftForNow : .nobodyLeft, under: nodes.first?.governing?.rule)
    }

    /// - Returns: Nil when the node is done with.
    private mutating func work(on index: Int) -> ExpansionStep? {
        let node = nodes[index]
        guard node.depth < settings.maximumDepth else { return refuse(.tooDeep, node: index) }
        switch node.content {
        case .address(let address):
            return match(address, node: index)
        case .user(let name):
            return expand(user: name, node: index)
        case .include(let path):
            state = .including(index, path: path)
            return .readInclude(path)
        case .error(let code, let text):
            if isForwardOnly(node) { return refuse(.externalItem, node: index) }
            return refuse(.errorItem(code: code, text: text), node: index)
        case .pipe(let command):
            return deliver(.pipe(command), node: index)
        case .file(let path):
            return deliver(.file(path), node: index)
        }
    }

    private func isForwardOnly(_ node: ExpansionNode) -> Bool { node.governing?.local?.method == .forwardOnly }

    private mutating func deliver(_ external: LocalDelivery.Method, node index: Int) -> ExpansionStep? {
        let node = nodes[index]
        if isForwardOnly(node) { return refuse(.externalItem, node: index) }
        if node.owner?.uid == 0 { return refuse(.externalItemOfRoot, node: index) }
        finish(.local(LocalDelivery(user: node.owner?.name, method: external)), node: index)
        return nil
    }

    // MARK: Bookkeeping

    /// Queues a node unless an equal one has been followed.
    mutating func add(_ node: ExpansionNode) {
        if seen.insert(node.key).inserted {
            nodes.append(node)
        } else {
            trace.append(.skipped(node.text, reason: "seen before"), under: node.governing?.rule)
        }
    }

    /// Counts what a .forward adds; false when it is too much.
    mutating func countForwarded(_ count: Int) -> Bool {
        forwarded += count
        return forwarded <= settings.maximumForwarded
    }

    var isFull: Bool { nodes.count > settings.maximumNodes }

    mutating func noteUnreadableInclude() { hasUnreadableInclude = true }

    /// Makes the node a delivery by the action that governs it.
    mutating func finish(_ kind: Envelope.Kind, node index: Int) {
        let node = nodes[index]
        guard let governing = node.governing else { preconditionFailure("a delivery is governed by an action") }
        let delivery = ResolvedDelivery(destination: node.destination, action: governing.action, kind: kind)
        var identity = delivery
        if isOneMailbox(node, kind) { identity.destination = recipient }
        if delivered.insert(identity).inserted {
            deliveries.append(delivery)
            trace.append(.delivery(delivery), under: governing.rule)
        } else {
            trace.append(.skipped(node.text, reason: "delivered to already"), under: governing.rule)
        }
    }

    /// True when the mailbox does not depend on the address that led to the user, so that one copy is enough.
    private func isOneMailbox(_ node: ExpansionNode, _ kind: Envelope.Kind) -> Bool {
        guard case .local(let delivery) = kind, delivery.method == .action else { return false }
        switch node.governing?.local?.method {
        case .mbox, .maildir(nil, _): return true
        case .maildir, .lmtp, .command, .forwardOnly, .expandOnly, nil: return false
        }
    }

    mutating func refuse(_ failure: ExpansionFailure, node index: Int) -> ExpansionStep {
        refuse(failure, under: nodes[index].governing?.rule)
    }

    mutating func refuse(_ failure: ExpansionFailure, under rule: SourceLocation?) -> ExpansionStep {
        trace.append(.failure(failure), under: rule)
        state = .finished
        return .finished(.refused(failure.reply(for: recipient), trace))
    }
}
