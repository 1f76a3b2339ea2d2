import Configuration
import Envelopes
import MailSyntax

/// A table of relay URLs, or its entry for a domain.
struct SmarthostSource: Hashable, Sendable {
    var table: String
    /// For `domain` actions.
    var domain: String?

    var question: RoutingQuestion {
        if let domain { .smarthost(table: table, domain: domain) } else { .smarthosts(table: table) }
    }
}

/// The smarthosts of a source, and the mail that waits to know them.
struct SmarthostGroup: Sendable {
    var urls = Knowledge<[RelayURL]>.unknown
    var waiting: [Waiting] = []
    /// Whose turn it is.
    var turn = 0

    struct Waiting: Sendable {
        var task: RelayTask
        var action: RelayAction
    }

    /// URLs of one table that are looked at.
    static let maximumURLs = 64
    /// Seconds for which they are not asked for again.
    static let memory: Int64 = 60
}

extension Router {
    /// Envelopes to relay; those of one message best together.
    package mutating func offered(_ offers: [RelayOffer], now: Moment) {
        for offer in offers {
            let task = RelayTask(
                key: TaskKey(message: offer.id.message, variant: offer.variant), ids: [offer.id], order: offer.order)
            guard let action = settings.actions[offer.action] else {
                let failure = DeliveryFailure(status: "4.3.5", text: "Unknown relay action \(offer.action)")
                report(offer.id, .temporary(failure), nil)
                continue
            }
            let domain = String(decoding: offer.domain.lowercased, as: UTF8.self)
            switch action.hosts {
            case nil:
                add(task, to: relay(for: RelayKey(destination: .domain(domain), action: action), now: now))
            case .smarthosts(let table):
                assign(task, action, to: SmarthostSource(table: table, domain: nil), now)
            case .byDomain(let table):
                assign(task, action, to: SmarthostSource(table: table, domain: domain), now)
            }
        }
        settleDown(now)
    }

    /// Lets a task wait at a relay, or sends it to the hold queue.
    private mutating func add(_ task: RelayTask, to number: Int) {
        if let order = task.order { obey(order, at: number) }
        // Nothing of the relay may be held while its tasks grow: that would copy them.
        guard let isFull = relays[number].map({ $0.tasks.count >= max(1, $0.limits.taskHighWater) && !$0.tasks.contains(task.key) })
        else { return }
        let expected = relays[number]?.expected ?? 0
        relays[number]?.expected = max(0, expected - task.ids.count)
        if isFull {
            relays[number]?.held += task.ids.count
            for id in task.ids { outputs.append(.hold(id, holder: holder(of: number))) }
        } else {
            relays[number]?.tasks.append(task)
        }
        touch(number)
    }

    /// Gives a task to one of the smarthosts of a source, now or when they are known.
    private mutating func assign(_ task: RelayTask, _ action: RelayAction, to source: SmarthostSource, _ now: Moment) {
        var task = task
        task.group = source
        if case .known(let urls, let since) = groups[source]?.urls, now.seconds(since: since) < SmarthostGroup.memory {
            distribute(task, action, among: urls, of: source, now)
            return
        }
        groups[source, default: SmarthostGroup()].waiting.append(.init(task: task, action: action))
        if case .asked = groups[source]?.urls { return }
        groups[source]?.urls = .asked
        outputs.append(.ask(source.question))
    }

    /// In turn, one message after the other; those that are out of order are passed over while another is not.
    private mutating func distribute(
        _ task: RelayTask, _ action: RelayAction, among urls: [RelayURL], of source: SmarthostSource, _ now: Moment
    ) {
        let turn = groups[source]?.turn ?? 0
        let order = (0..<urls.count).map { (turn + $0) % urls.count }.filter { task.tried & 1 << UInt64($0) == 0 }
        func key(_ index: Int) -> RelayKey { RelayKey(destination: .smarthost(urls[index]), action: action) }
        if let number = task.order {
            for index in order {
                if let relay = relayNumbers[key(index)] { obey(number, at: relay) }
            }
        }
        let joined = order.first { index in
            relayNumbers[key(index)].map { relays[$0]?.tasks.contains(task.key) ?? false } ?? false
        }
        let sound = order.first { index in
            guard let number = relayNumbers[key(index)], let until = relays[number]?.failingUntil else { return true }
            return until <= now
        }
        guard let index = joined ?? sound ?? order.first else { return }
        if joined == nil { groups[source]?.turn = (index + 1) % urls.count }
        var task = task
        task.tried |= 1 << UInt64(index)
        add(task, to: relay(for: key(index), now: now))
    }

    /// The smarthosts of a source are known, or cannot be.
    mutating func smarthostsAnswered(_ source: SmarthostSource, _ answer: RoutingAnswer, _ now: Moment) {
        guard var group = groups[source], case .asked = group.urls else { return }
        let waiting = group.waiting
        group.waiting = []
        switch Self.relayURLs(answer, of: source) {
        case .success(let urls):
            group.urls = .known(urls, since: now)
            groups[source] = group
            for entry in waiting { distribute(entry.task, entry.action, among: urls, of: source, now) }
        case .failure(let failure):
            groups[source] = nil
            for entry in waiting {
                for id in entry.task.ids { report(id, failure.outcome, nil) }
            }
        }
    }

    private static func relayURLs(
        _ answer: RoutingAnswer, of source: SmarthostSource
    ) -> Result<[RelayURL], DeliveryFailure> {
        func trouble(_ text: String) -> DeliveryFailure { DeliveryFailure(status: "4.3.5", text: text) }
        switch answer {
        case .smarthosts(let texts):
            var urls: [RelayURL] = []
            var problem = "Table \(source.table) names no smarthost"
            for text in texts.prefix(SmarthostGroup.maximumURLs) {
                do {
                    let url = try RelayURL(parsing: text)
                    if !urls.contains(url) { urls.append(url) }
                } catch {
                    problem = "Invalid relay URL in table \(source.table): \(error.text)"
                }
            }
            return urls.isEmpty ? .failure(trouble(problem)) : .success(urls)
        case .failed(.temporary(let text)):
            return .failure(trouble(text))
        case .failed(.notFound), .failed(.invalidName):
            return .failure(
                source.domain.map { DeliveryFailure(status: "5.4.4", text: "No smarthost for domain \($0)") }
                    ?? trouble("Table \(source.table) names no smarthost"))
        case .exchangers, .acceptsNoMail, .addresses, .sources, .credentialsFound:
            preconditionFailure("an answer fits its question")
        }
    }

    /// The relay of these tasks has failed: each goes to the next smarthost of its group that it has not been
    /// to, if there is one.
    ///
    /// - Returns: Those for which there is none.
    mutating func movedOn(_ tasks: [RelayTask], _ action: RelayAction, _ now: Moment) -> [RelayTask] {
        tasks.filter { task in
            guard let source = task.group, case .known(let urls, _) = groups[source]?.urls,
                urls.indices.contains(where: { task.tried & 1 << UInt64($0) == 0 })
            else { return true }
            distribute(task, action, among: urls, of: source, now)
            return false
        }
    }
}

extension DeliveryFailure {
    /// As the class of its status says.
    var outcome: DeliveryOutcome { status.hasPrefix("5") ? .permanent(self) : .temporary(self) }
}
