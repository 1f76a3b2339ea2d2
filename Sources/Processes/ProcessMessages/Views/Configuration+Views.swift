import Configuration
import Tables
import WireFormat

/// One view per role: what a role may know is a type that lacks the rest. Lists that come from dictionaries
/// are in order of name, so that equal configurations make equal views.
extension Configuration {
    /// Rules, tables, actions.
    package var lookupView: LookupView {
        LookupView(
            generation: generation, serverName: serverName,
            tables: tables.values.sorted { $0.name < $1.name }, rules: rules, actions: namedActions,
            subaddressDelimiter: session.subaddressDelimiter)
    }

    /// Times to live.
    package var queueView: QueueView {
        QueueView(
            serverName: serverName, timeToLive: queue.timeToLive,
            actionTimes: actions.values.sorted { $0.name < $1.name }.compactMap { action in
                action.timeToLive.map { ActionTime(action: action.name, timeToLive: $0) }
            })
    }

    /// Limits and warn intervals.
    package var schedulerView: SchedulerView {
        SchedulerView(
            maximumInflight: scheduler.maximumInflight, maximumSchedule: scheduler.maximumSchedule,
            maximumEnvelopeBatch: scheduler.maximumEnvelopeBatch, maximumMessageBatch: scheduler.maximumMessageBatch,
            bounceWarnIntervals: queue.bounceWarnIntervals)
    }

    /// Listeners, actions, limits of sessions and deliveries.
    package var dispatcherView: DispatcherView {
        DispatcherView(
            serverName: serverName, listeners: listeners, submission: submission, actions: namedActions,
            maximumMessageSize: session.maximumMessageSize, maximumRecipients: session.maximumRecipients,
            maximumMails: session.maximumMails, mda: mda, generation: generation,
            subaddressDelimiter: session.subaddressDelimiter)
    }

    /// Key pairs by name.
    package var cryptoView: CryptoView { CryptoView(keyPairs: keyPairs.keys.sorted()) }

    private var namedActions: [NamedAction] {
        actions.values.sorted { $0.name < $1.name }.map { action in
            switch action.kind {
            case .local(let local): NamedAction(name: action.name, local: local)
            case .relay: NamedAction(name: action.name, local: nil)
            }
        }
    }
}
