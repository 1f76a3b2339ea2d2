import Tables

/// What one role may know of the configuration: a value that lacks everything else.
package protocol ConfigurationView: Hashable, Sendable {
    init(of configuration: Configuration)
}

extension Configuration {
    /// The part for one role: `configuration.view(for: QueueView.self)`.
    package func view<View: ConfigurationView>(for role: View.Type) -> View { View(of: self) }
}

/// The parent's: everything, since it made the others.
package struct ParentView: ConfigurationView {
    package var configuration: Configuration
    package init(of configuration: Configuration) { self.configuration = configuration }
}

/// Lookup's: rules, tables and filters, and of actions what expansion asks for.
package struct LookupView: ConfigurationView {
    package var generation: Generation
    package var serverName: String
    package var tables: [String: TableDefinition]
    package var rules: [Rule]
    /// Without paths and commands, and of relay options with the tables only: how a message is delivered is not decided here.
    package var actions: [String: Action]
    /// What tables the dispatcher may ask because of them.
    package var filters: [FilterDefinition]
    package var srs: SRSSettings?
    package var subaddressDelimiter: UInt8
    /// Seconds; an action's own lifetime is in ``actions``.
    package var timeToLive: Int64
    /// Sockets of Dovecot that listeners authenticate with, sorted.
    package var dovecotSockets: [String]

    package init(of configuration: Configuration) {
        generation = configuration.generation
        serverName = configuration.serverName
        tables = configuration.tables
        rules = configuration.rules
        actions = configuration.actions.mapValues(Self.expansionPart)
        filters = configuration.filters
        srs = configuration.srs
        subaddressDelimiter = configuration.session.subaddressDelimiter
        timeToLive = configuration.queue.timeToLive
        dovecotSockets = Set(
            configuration.listeners.compactMap { listener in
                if case .dovecot(let path) = listener.authentication.source { path } else { nil }
            }
        ).sorted()
    }

    private static func expansionPart(of action: Action) -> Action {
        var action = action
        switch action.kind {
        case .relay(let relay):
            var part = RelayAction()
            part.usesSRS = relay.usesSRS
            // What the dispatcher may have looked up.
            part.hosts = relay.hosts
            part.sources = relay.sources
            part.auth = relay.auth
            part.tokens = relay.tokens
            part.heloNames = relay.heloNames
            if case .table = relay.rewriting { part.rewriting = relay.rewriting }
            action.kind = .relay(part)
        case .local(var local):
            local.wrapper = nil
            switch local.method {
            case .mbox, .forwardOnly, .expandOnly: break
            case .maildir: local.method = .maildir(nil, junk: false)
            case .lmtp(_, let usesRecipientAddress): local.method = .lmtp("", usesRecipientAddress: usesRecipientAddress)
            case .command: local.method = .command("")
            }
            action.kind = .local(local)
        }
        return action
    }
}

/// Queue's: how to keep messages, and the names of actions that envelopes may have. Keys reach it as open files.
package struct QueueView: ConfigurationView {
    package var serverName: String
    /// Sorted.
    package var actions: [String]
    package var settings: QueueSettings

    package init(of configuration: Configuration) {
        serverName = configuration.serverName
        actions = configuration.actions.keys.sorted()
        settings = configuration.queue
        settings.encryption = settings.encryption?.withoutSecret
        settings.backupEncryption = settings.backupEncryption?.withoutSecret
    }
}

/// Scheduler's: times and limits.
package struct SchedulerView: ConfigurationView {
    package var limits: SchedulerLimits
    /// Seconds.
    package var timeToLive: Int64
    /// Seconds.
    package var bounceWarnIntervals: [Int64]
    package var maximumDeferred: Int

    package init(of configuration: Configuration) {
        limits = configuration.scheduler
        timeToLive = configuration.queue.timeToLive
        bounceWarnIntervals = configuration.queue.bounceWarnIntervals
        maximumDeferred = configuration.mta.maximumDeferred
    }
}

/// Dispatcher's: listeners and deliveries. No private key's path, no table's content, no secret.
package struct DispatcherView: ConfigurationView {
    package var generation: Generation
    package var serverName: String
    package var listeners: [Listener]
    package var submission: Listener
    package var actions: [String: Action]
    /// Without the paths of their keys.
    package var keyPairs: [String: KeyPair]
    package var authorities: [String: CertificateAuthority]
    package var session: SessionSettings
    package var mda: MDALimits
    package var mta: MTASettings
    package var filters: [FilterDefinition]
    /// Without their commands, which the parent runs.
    package var filterProcesses: [FilterProcess]
    package var admd: String

    package init(of configuration: Configuration) {
        generation = configuration.generation
        serverName = configuration.serverName
        listeners = configuration.listeners
        submission = configuration.submission
        actions = configuration.actions
        keyPairs = configuration.keyPairs.mapValues { pair in
            var pair = pair
            pair.key = nil
            return pair
        }
        authorities = configuration.authorities
        session = configuration.session
        mda = configuration.mda
        mta = configuration.mta
        filters = configuration.filters
        filterProcesses = configuration.filterProcesses.map { process in
            var part = FilterProcess(name: process.name, command: "")
            part.onFailure = process.onFailure
            part.timeout = process.timeout
            part.spoken = process.spoken
            return part
        }
        admd = configuration.admd
    }
}

/// Control's and crypto's: nothing. Keys reach crypto as open files.
package struct ControlView: ConfigurationView {
    package init(of configuration: Configuration) {}
}
