import EventLoop
import Interprocess
import Log
import Platform
import ProcessMessages
import WireFormat

/// What a role has at hand beside its peers: the log, the places, a way to give up.
@EventLoopActor
package final class RoleContext {
    package let role: Role
    package let log: Logger
    package let installation: InstallationPaths
    /// The other programs, found before the role gave up seeing them.
    package let programs: InstalledPrograms
    /// Where the queue's files are, as the role sees them.
    package let queueDirectory: String
    /// What does not run until an operator resumes it.
    package let startsPaused: Set<PausableService>
    private let parent: Link<ChildToParent, ParentToChild>

    init(
        role: Role, log: Logger, installation: InstallationPaths, programs: InstalledPrograms, queueDirectory: String,
        startsPaused: Set<PausableService>, parent: Link<ChildToParent, ParentToChild>
    ) {
        self.role = role
        self.log = log
        self.installation = installation
        self.programs = programs
        self.queueDirectory = queueDirectory
        self.startsPaused = startsPaused
        self.parent = parent
    }

    /// A link to a peer. A peer that says what it must not is taken for taken over: the daemon ends. A
    /// peer that is gone is the parent's business, who knows whether it was told to go.
    package func link<Outgoing: WireMessage, Incoming: WireMessage>(
        to peer: Role, over descriptor: consuming OwnedDescriptor,
        receive: @escaping Link<Outgoing, Incoming>.Receiver
    ) -> Link<Outgoing, Incoming> {
        let (log, route) = (log, "\(peer.name) -> \(role.name)")
        return Link(
            adopting: descriptor, name: peer.name, maximumFrame: Self.maximumFrame,
            receive: { message, descriptor in
                log.trace(TraceSubjects.messages, "\(route): \(Self.kind(of: message))")
                receive(message, descriptor)
            },
            closed: { [self] failure in
                if case .peerClosed = failure { return }
                fail("link to \(peer.name): \(failure)")
            })
    }

    /// The name of a message's case, without what is in it.
    private nonisolated static func kind(of message: some WireMessage) -> String {
        String("\(message)".prefix { $0 != "(" })
    }

    /// Tells the parent why the role cannot go on, and ends the process.
    package func fail(_ reason: String) -> Never {
        parent.send(.fatal(reason))
        parent.flush()
        Diagnostics.leave(1)
    }

    /// The largest frame between roles, in bytes: what the largest list that is allowed comes to with the
    /// longest addresses, such as the 10,000 envelopes of one expansion. A link holds no more than it was sent.
    package nonisolated static let maximumFrame = 16 << 20
}
