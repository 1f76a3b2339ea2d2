import Configuration
import Envelopes
import MailSyntax

/// What a relay must know before it can send, and the questions for it.
extension Router {
    /// Seconds after which addresses are asked for again; the resolver keeps to their lifetimes.
    private static let planMemory: Int64 = 300
    /// The same for the table of source addresses and for credentials, which cost next to nothing.
    private static let tableMemory: Int64 = 60

    /// True when a relay knows everything; otherwise what is missing is asked for, or the relay has failed.
    mutating func hasKnowledge(_ number: Int, _ now: Moment) -> Bool {
        guard let relay = relays[number] else { return false }
        if let failure = relay.failure, now < failure.until {
            // Sessions that live were let in, and will take what waits.
            if relay.sessionCount == 0 {
                fail(number, DeliveryFailure(status: "4.7.8", text: failure.text), until: failure.until, now)
            }
            return false
        }
        if relay.key.security == .contradictory {
            fail(number, Self.contradiction, until: now, now)
            return false
        }
        let hasSources = knowsSources(number, now)
        let hasCredentials = knowsCredentials(number, now)
        // The answer may have been at hand, and a failure.
        guard let tasks = relays[number]?.tasks, !tasks.isEmpty else { return false }
        let hasPlan = knowsPlan(number, now)
        return hasSources && hasCredentials && hasPlan
    }

    private static let contradiction = DeliveryFailure(
        status: "4.7.5", text: "The action demands TLS, and the scheme of its relay URL has none")

    private mutating func knowsSources(_ number: Int, _ now: Moment) -> Bool {
        guard let relay = relays[number] else { return false }
        guard let table = relay.key.action.sources else {
            if case .known = relay.sources { return true }
            relays[number]?.sources = .known([nil], since: now)
            return true
        }
        switch relay.sources {
        case .known(_, let since) where now.seconds(since: since) < Self.tableMemory: return true
        case .asked: return false
        case .known, .unknown:
            relays[number]?.sources = .asked
            ask(.sources(table: table), for: number)
            return false
        }
    }

    private mutating func knowsCredentials(_ number: Int, _ now: Moment) -> Bool {
        guard let relay = relays[number], let reference = relay.key.credentials else { return true }
        switch relay.credentials {
        case .known(_, let since) where now.seconds(since: since) < Self.tableMemory: return true
        case .asked: return false
        case .known, .unknown:
            relays[number]?.credentials = .asked
            ask(.credentials(reference), for: number)
            return false
        }
    }

    private mutating func knowsPlan(_ number: Int, _ now: Moment) -> Bool {
        guard let relay = relays[number] else { return false }
        switch relay.plan {
        case .known(_, let since) where now.seconds(since: since) < Self.planMemory: return true
        case .asked: return false
        case .known, .unknown: break
        }
        let question: RoutingQuestion
        switch relay.key.destination {
        case .smarthost(let url):
            if let address = IPAddress(url.host.utf8) {
                setPlan(of: number, now) { circumstances, random throws(DeliveryFailure) in
                    try ExchangerPlan(
                        smarthost: url.host, addresses: [address], families: circumstances.families, using: &random)
                }
                return isPlanned(number)
            }
            question = .addresses(host: url.host)
        case .domain(let domain):
            if let address = Self.literal(domain) {
                let host = Exchanger(preference: 0, host: address.description, addresses: [address])
                setPlan(of: number, now) { circumstances, random throws(DeliveryFailure) in
                    try ExchangerPlan(exchangers: [host], isImplicit: true, domain: domain, circumstances, using: &random)
                }
                return isPlanned(number)
            }
            question = .exchangers(domain: domain)
        }
        relays[number]?.plan = .asked
        ask(question, for: number)
        return false
    }

    private func isPlanned(_ number: Int) -> Bool {
        if case .known = relays[number]?.plan { true } else { false }
    }

    private static func literal(_ domain: String) -> IPAddress? {
        guard domain.hasPrefix("["), domain.hasSuffix("]") else { return nil }
        return IPAddress(literal: domain.utf8.dropFirst().dropLast())
    }

    private mutating func ask(_ question: RoutingQuestion, for relay: Int) {
        if openQuestions[question] == nil { outputs.append(.ask(question)) }
        openQuestions[question, default: []].insert(relay)
    }

    /// The answer to a ``RoutingOutput/ask(_:)``. One that nobody waits for any more changes nothing.
    package mutating func answered(_ question: RoutingQuestion, _ answer: RoutingAnswer, now: Moment) {
        switch question {
        case .smarthosts(let table):
            smarthostsAnswered(SmarthostSource(table: table, domain: nil), answer, now)
        case .smarthost(let table, let domain):
            smarthostsAnswered(SmarthostSource(table: table, domain: domain), answer, now)
        case .exchangers, .addresses, .sources, .credentials:
            for relay in (openQuestions.removeValue(forKey: question) ?? []).sorted() {
                take(question, answer, for: relay, now)
                touch(relay)
            }
        }
        settleDown(now)
    }

    private mutating func take(_ question: RoutingQuestion, _ answer: RoutingAnswer, for number: Int, _ now: Moment) {
        guard let relay = relays[number] else { return }
        switch (question, answer) {
        case (.exchangers(let domain), .exchangers(let exchangers, let isImplicit)):
            setPlan(of: number, now) { circumstances, random throws(DeliveryFailure) in
                try ExchangerPlan(
                    exchangers: exchangers, isImplicit: isImplicit, domain: domain, circumstances, using: &random)
            }
        case (.exchangers, .acceptsNoMail):
            setPlan(of: number, now) { _, _ throws(DeliveryFailure) in throw ExchangerPlan.acceptsNoMail }
        case (.exchangers(let domain), .failed(let problem)):
            setPlan(of: number, now) { _, _ throws(DeliveryFailure) in throw Self.failure(problem, domain: domain) }
        case (.addresses(let host), .addresses(let addresses)):
            setPlan(of: number, now) { circumstances, random throws(DeliveryFailure) in
                try ExchangerPlan(smarthost: host, addresses: addresses, families: circumstances.families, using: &random)
            }
        case (.addresses(let host), .failed(let problem)):
            setPlan(of: number, now) { _, _ throws(DeliveryFailure) in throw Self.failure(problem, smarthost: host) }
        case (.sources, .sources(let addresses)) where !addresses.isEmpty:
            relays[number]?.sources = .known(addresses, since: now)
        case (.sources(let table), .sources), (.sources(let table), .failed(.notFound)), (.sources(let table), .failed(.invalidName)):
            relays[number]?.sources = .unknown
            fail(number, DeliveryFailure(status: "4.3.5", text: "Table \(table) has no source address"), until: now, now)
        case (.sources, .failed(.temporary(let text))):
            relays[number]?.sources = .unknown
            fail(number, DeliveryFailure(status: "4.3.0", text: text), until: now, now)
        case (.credentials, .credentialsFound):
            relays[number]?.credentials = .known((), since: now)
        case (.credentials(let reference), .failed(let problem)):
            relays[number]?.credentials = .unknown
            var text = "No credentials for \(reference.label) in table \(reference.table)"
            if case .temporary(let reason) = problem { text = reason }
            let until = now.advanced(bySeconds: Backoff.base)
            relays[number]?.failure = Refusal(until: until, text: text, penalty: relay.failure?.penalty ?? 1)
        default:
            preconditionFailure("an answer fits its question")
        }
    }

    /// Makes the plan of a relay, or fails its mail.
    private mutating func setPlan(
        of number: Int, _ now: Moment,
        _ make: (ExchangerPlan.Circumstances, inout Shuffling) throws(DeliveryFailure) -> ExchangerPlan
    ) {
        guard let relay = relays[number] else { return }
        do throws(DeliveryFailure) {
            let plan = try make(circumstances(of: relay), &random)
            relays[number]?.plan = .known(plan, since: now)
        } catch {
            relays[number]?.plan = .unknown
            fail(number, error, until: now, now)
        }
    }

    private func circumstances(of relay: Relay) -> ExchangerPlan.Circumstances {
        var names = Set(settings.ownNames.map(lowercased))
        names.insert(lowercased(settings.serverName))
        let backup: String? =
            switch relay.key.action.backup {
            case .ownName: lowercased(settings.serverName)
            case .named(let name): lowercased(name)
            case nil: nil
            }
        return ExchangerPlan.Circumstances(
            families: relay.limits.families, ownNames: names, ownAddresses: settings.ownAddresses, backup: backup)
    }

    private static func failure(_ problem: LookupProblem, domain: String) -> DeliveryFailure {
        switch problem {
        case .notFound: DeliveryFailure(status: "5.1.2", text: "Domain does not exist")
        case .invalidName: DeliveryFailure(status: "5.1.2", text: "Invalid domain name")
        case .temporary(let text): DeliveryFailure(status: "4.4.3", text: text)
        }
    }

    /// The name of a smarthost is the operator's word: a mistake in it is no reason to give mail back.
    private static func failure(_ problem: LookupProblem, smarthost: String) -> DeliveryFailure {
        switch problem {
        case .notFound: DeliveryFailure(status: "4.4.4", text: "Host not found: \(smarthost)")
        case .invalidName: DeliveryFailure(status: "4.3.5", text: "Invalid host name: \(smarthost)")
        case .temporary(let text): DeliveryFailure(status: "4.4.3", text: text)
        }
    }
}
