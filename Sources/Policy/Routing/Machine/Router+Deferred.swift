import Envelopes
import MailSyntax

/// What failed for the time being, and what gives reason to believe that it would pass now.
///
/// Three things do: a delivery to the same destination that works (`mta max-deferred`), the time that a
/// greylisting server named, and a smarthost that is back.
struct DomainRecord: Sendable {
    var lastUpdate: Moment
    var lastStatus: String
    /// In the order of their failure.
    var deferred: [EnvelopeID] = []
    var lastRetry: Moment?
    /// When one message is sent ahead to see whether the smarthost is back.
    var probeAt: Moment?

    /// Seconds for which a domain is remembered after its last outcome.
    static let memory: Int64 = 4 * 3_600
    /// Domains that are remembered.
    static let maximumCount = 20_000
    /// Seconds between two retries for one domain: a message that one server of many refuses must not wear
    /// out its tries while the others take mail.
    static let retryInterval: Int64 = 60
    /// Envelopes that wait for one smarthost to come back and are remembered.
    static let maximumForSmarthost = 100_000
}

extension Router {
    /// Server's times that are remembered at once.
    private static let maximumHints = 10_000

    /// Reports what was decided without any relay.
    mutating func report(_ id: EnvelopeID, _ outcome: DeliveryOutcome, _ connection: ConnectionID?) {
        outputs.append(.report(id, outcome, connection))
    }

    /// Reports what became of an envelope, and remembers what it teaches about the destination.
    mutating func report(
        _ id: EnvelopeID, _ outcome: DeliveryOutcome, _ connection: ConnectionID?, relay: Int, isUnreachable: Bool = false,
        _ now: Moment
    ) {
        outputs.append(.report(id, outcome, connection))
        guard let destination = relays[relay]?.key.destination else { return }
        let name = lowercased(destination.name)
        switch outcome {
        case .delivered(let text):
            note(name, text, now)
            retryDeferred(of: name, isSmarthost: destination.isSmarthost, now)
        case .permanent(let failure):
            note(name, failure.text, now)
        case .loop:
            note(name, "Loop detected", now)
        case .temporary(let failure):
            note(name, failure.text, now)
            if connection != nil, let seconds = RetryHint.seconds(in: failure.text), hintCount < Self.maximumHints {
                if timers.moment(of: .hint(id)) == nil { hintCount += 1 }
                timers.set(.hint(id), at: now.advanced(bySeconds: seconds + 1))
                return
            }
            let maximum =
                isUnreachable && destination.isSmarthost ? DomainRecord.maximumForSmarthost : settings.mta.maximumDeferred
            if let count = domains[name]?.deferred.count, count < maximum { domains[name]?.deferred.append(id) }
        }
    }

    private mutating func note(_ domain: String, _ text: String, _ now: Moment) {
        if domains[domain] == nil {
            guard domains.count < DomainRecord.maximumCount else { return }
            domains[domain] = DomainRecord(lastUpdate: now, lastStatus: text)
        } else {
            domains[domain]?.lastUpdate = now
            domains[domain]?.lastStatus = text
        }
        // The timer looks whether it is time, and is not moved at each outcome.
        if timers.moment(of: .domain(domain)) == nil {
            timers.set(.domain(domain), at: now.advanced(bySeconds: DomainRecord.memory))
        }
    }

    private mutating func retryDeferred(of domain: String, isSmarthost: Bool, _ now: Moment) {
        guard let record = domains[domain], !record.deferred.isEmpty else { return }
        if let last = record.lastRetry, now.seconds(since: last) < DomainRecord.retryInterval { return }
        outputs.append(.retry(unique(record.deferred)))
        domains[domain]?.deferred = []
        domains[domain]?.lastRetry = now
        domains[domain]?.probeAt = nil
    }

    /// An envelope that failed more than once is remembered more than once.
    private func unique(_ ids: [EnvelopeID]) -> [EnvelopeID] {
        var seen: Set<EnvelopeID> = []
        return ids.filter { seen.insert($0).inserted }
    }

    /// Has one message sent ahead when a smarthost that failed may be tried again.
    mutating func lookForSmarthost(_ destination: RelayDestination, at moment: Moment) {
        let name = lowercased(destination.name)
        guard destination.isSmarthost, domains[name]?.deferred.isEmpty == false else { return }
        domains[name]?.probeAt = moment
        timers.set(.domain(name), noLaterThan: moment)
    }

    mutating func domainTimerFired(_ name: String, _ now: Moment) {
        guard var record = domains[name] else { return }
        if let probe = record.probeAt, probe <= now {
            record.probeAt = nil
            if !record.deferred.isEmpty { outputs.append(.retry([record.deferred.removeFirst()])) }
            domains[name] = record
        }
        let end = record.lastUpdate.advanced(bySeconds: DomainRecord.memory)
        if now < end {
            timers.set(.domain(name), at: min(record.probeAt ?? end, end))
        } else {
            domains[name] = nil
            if domainUse[name]?.connections == 0 { domainUse[name] = nil }
        }
    }

    mutating func hintFired(_ id: EnvelopeID) {
        hintCount -= 1
        outputs.append(.retry([id]))
    }
}
