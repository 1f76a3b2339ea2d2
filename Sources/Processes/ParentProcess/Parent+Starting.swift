import Configuration
import EventLoop
import Glibc
import Interprocess
import Log
import Platform
import ProcessMessages
import RoleProcess

/// Before the first connection: places, processes, and the links between them.
extension ParentProcess {
    func startRoles() throws(SystemError) {
        for role in Role.children {
            let pair = try LocalSocket.pair()
            let process = try spawnRole(role, link: pair.second)
            let link = Link<ParentToChild, ChildToParent>(
                adopting: pair.first, name: role.name,
                receive: { [unowned self] message, _ in
                    guard let handle = roles[role] else { return }
                    receive(message, from: handle)
                },
                closed: { [unowned self] failure in linkClosed(to: role, failure) })
            roles[role] = RoleHandle(role: role, process: process, link: link)
        }
        giveQueueKeys()
        for role in Role.children { roles[role]?.link.send(.configure(view(for: role))) }
        for (first, second) in Role.pairs {
            let pair = try LocalSocket.pair()
            connect(first, to: second, over: pair.first)
            connect(second, to: first, over: pair.second)
        }
        for handle in roles.values {
            if options.isVerbose { handle.link.send(.setVerbose(true)) }
            handle.link.send(.serve)
        }
    }

    private func spawnRole(_ role: Role, link: borrowing OwnedDescriptor) throws(SystemError) -> pid_t {
        var arguments = ["smtpd", "-x", role.name]
        if options.isVerbose { arguments.append("-v") }
        arguments += PausableService.allCases.filter(options.paused.contains).flatMap { ["-P", $0.rawValue] }
        arguments += options.traces.flatMap { ["-T", $0.name] }
        var environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "\(LogDestination.variable)=\(options.log.text)"]
        if installation.isRootless { environment.append("\(InstallationPaths.environmentVariable)=\(installation.spool)") }
        let program = ChildProcess(path: "/proc/self/exe", arguments: arguments, environment: environment)
        return try program.start(error: options.logsToStandardError ? STDERR_FILENO : nil, extra: link.raw)
    }

    /// Before the view that makes use of them.
    func giveQueueKeys() {
        queueKeys.give { use, file in roles[.queue]?.link.send(.queueKey(use), descriptor: file) }
    }

    private func connect(_ role: Role, to peer: Role, over descriptor: consuming OwnedDescriptor) {
        guard role == .parent else {
            roles[role]?.link.send(.connect(peer), descriptor: descriptor)
            return
        }
        switch peer {
        case .control: control = peerLink(peer, descriptor) { [unowned self] message, _ in receive(message) }
        case .lookup: lookup = peerLink(peer, descriptor) { [unowned self] message, _ in receive(message) }
        case .dispatcher: dispatcher = peerLink(peer, descriptor) { [unowned self] message, _ in receive(message) }
        case .crypto: crypto = peerLink(peer, descriptor) { [unowned self] message, _ in receive(message) }
        case .parent, .queue, .scheduler: preconditionFailure("Role.pairs gives the parent no link to \(peer.name)")
        }
    }

    private func peerLink<Outgoing, Incoming>(
        _ peer: Role, _ descriptor: consuming OwnedDescriptor,
        receive: @escaping Link<Outgoing, Incoming>.Receiver
    ) -> Link<Outgoing, Incoming> {
        Link(
            adopting: descriptor, name: peer.name, receive: receive,
            closed: { [unowned self] failure in linkClosed(to: peer, failure) })
    }

    /// A closed link is the first sign of a dead role; SIGCHLD tells the reason. One that says nonsense is ended.
    private func linkClosed(to role: Role, _ failure: LinkFailure) {
        guard !isEnding else { return }
        if case .peerClosed = failure { return }
        fail("\(role.name): \(failure)")
    }

    func view(for role: Role) -> [UInt8] {
        switch role {
        case .lookup: configuration.view(for: LookupView.self).encoded
        case .queue: configuration.view(for: QueueView.self).encoded
        case .scheduler: configuration.view(for: SchedulerView.self).encoded
        case .dispatcher: configuration.view(for: DispatcherView.self).encoded
        case .control, .crypto, .parent: []
        }
    }
}
