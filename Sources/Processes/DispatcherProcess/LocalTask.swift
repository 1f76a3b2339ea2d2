import Configuration
import Envelopes
import EventLoop
import Platform
import ProcessMessages
import SMTPProtocol
import Tables

/// A message that deliveries of it share while any of them is under way.
@EventLoopActor
final class OutgoingMessage {
    let transaction: Transaction
    let body: Body

    enum Body {
        case inline([UInt8])
        case file(BodyFile)
    }

    init(transaction: Transaction, body: Body) {
        self.transaction = transaction
        self.body = body
    }

    var isInFile: Bool { if case .file = body { true } else { false } }

    // MARK: What relays find out about it, once for all of them

    struct InlineFacts {
        var lines = 0
        var hasEightBits = false
    }

    struct Survey {
        var finding: ContentSurvey.Finding
        /// Octets on the wire.
        var size: Int64
    }

    var survey: Survey?
    private var facts: InlineFacts?

    /// Of a body that is at hand.
    func inlineFacts(_ bytes: [UInt8]) -> InlineFacts {
        if let facts { return facts }
        var found = InlineFacts()
        for byte in bytes {
            if byte == 0x0A { found.lines += 1 }
            if byte >= 0x80 { found.hasEightBits = true }
        }
        facts = found
        return found
    }
}

/// The file of a big message, closed with the last delivery that needs it.
final class BodyFile: Sendable {
    let descriptor: OwnedDescriptor
    let size: UInt64

    init(descriptor: consuming OwnedDescriptor, size: UInt64) {
        self.descriptor = descriptor
        self.size = size
    }
}

/// One local delivery waiting for an agent or in its hands.
struct LocalTask {
    let envelope: Envelope
    let delivery: LocalDelivery
    let action: LocalAction
    let message: OutgoingMessage
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
