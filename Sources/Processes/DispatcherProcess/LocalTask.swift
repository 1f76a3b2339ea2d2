import Configuration
import Envelopes
import EventLoop
import ProcessMessages
import Tables

/// One local delivery waiting for an agent or in its hands.
struct LocalTask {
    let envelope: Envelope
    let delivery: LocalDelivery
    let action: LocalAction
    let message: QueuedMessage
    let isRepeat: Bool
    let began = MonotonicInstant.now()

    /// What an agent is used for.
    enum Use: Hashable {
        /// Written many at a time.
        case files
        case command
        case server

        /// Takes an agent for itself.
        var isExclusive: Bool {
            switch self {
            case .files: false
            case .command, .server: true
            }
        }
    }

    /// A wrapper makes a command of what it is around.
    var use: Use {
        switch delivery.method {
        case .pipe: return .command
        case .file: return action.wrapper == nil ? .files : .command
        case .action: break
        }
        switch action.method {
        case .mbox, .forwardOnly, .expandOnly: return .files
        case .maildir: return action.wrapper == nil ? .files : .command
        case .lmtp: return action.wrapper == nil ? .server : .command
        case .command: return .command
        }
    }

    /// As whom it runs: `user NAME` of the action, else the user it is for, else the daemon's user.
    var identity: AgentIdentity {
        if case .action = delivery.method, action.method == .mbox, let name = delivery.user {
            return .mailbox(name, userbase: action.userbase)
        }
        if let name = action.user { return .user(name, userbase: SystemUsers.table) }
        if let name = delivery.user { return .user(name, userbase: action.userbase) }
        return .daemon
    }
}
