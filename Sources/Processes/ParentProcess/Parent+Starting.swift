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
    /// Makes what the daemon needs below the spool; a package has made most of it already.
    func prepareDirectories() throws(SystemError) {
        func make(_ path: String, mode: mode_t, owner: String?, group: String? = nil) throws(SystemError) {
            guard try Files.status(path) == nil else { return }
            try Files.makeDirectory(path, mode: mode)
            guard !installation.isRootless else { return }
            var uid: uid_t = 0
            var gid: gid_t = 0
            if let owner {
                guard let record = try Users.named(owner) else { throw SystemError("user \(owner)", code: ENOENT) }
                uid = record.uid
                gid = record.gid
            }
            if let group {
                guard let record = try Groups.named(group) else { throw SystemError("group \(group)", code: ENOENT) }
                gid = record.gid
            }
            _ = try checked("chown \(path)") { chown(path, uid, gid) }
            // mkdir applied the mask of whoever started us.
            _ = try checked("chmod \(path)") { chmod(path, mode) }
        }
        if !installation.isRootless {
            try make("/run/martlet", mode: 0o755, owner: nil)
            try make(DaemonAccounts.emptyDirectory, mode: 0o755, owner: nil)
        }
        try make(installation.spool, mode: installation.isRootless ? 0o700 : 0o711, owner: nil)
        try make(installation.spool + "/queue", mode: 0o700, owner: DaemonAccounts.queueUser)
        try make(
            installation.offline, mode: installation.isRootless ? 0o700 : 0o770, owner: nil,
            group: DaemonAccounts.queueUser)
    }

    /// A daemon that answers on the control socket is one too many.
    func refuseSecondDaemon() throws(SystemError) {
        guard try Files.status(installation.controlSocket)?.isSocket == true else { return }
        do throws(SystemError) {
            _ = try ConnectingSocket.wait(to: .local(path: installation.controlSocket), timeout: 2_000)
        } catch {
            return
        }
        throw SystemError("control socket \(installation.controlSocket) of a running smtpd", code: EADDRINUSE)
    }

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
        if options.logsToStandardError { arguments.append("-d") }
        if options.isVerbose { arguments.append("-v") }
        arguments += PausableService.allCases.filter(options.paused.contains).flatMap { ["-P", $0.rawValue] }
        arguments += options.traces.flatMap { ["-T", $0.name] }
        var environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        if installation.isRootless { environment.append("\(InstallationPaths.environmentVariable)=\(installation.spool)") }
        let program = ChildProcess(path: "/proc/self/exe", arguments: arguments, environment: environment)
        return try program.start(error: options.logsToStandardError ? STDERR_FILENO : nil, extra: link.raw)
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
        case .parent, .queue, .scheduler, .crypto: preconditionFailure("Role.pairs gives the parent no link to \(peer.name)")
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
        log.critical("\(role.name): \(failure)")
        end(status: 1)
    }

    func view(for role: Role) -> [UInt8] {
        switch role {
        case .lookup: configuration.view(for: LookupView.self).encoded
        case .queue: configuration.view(for: QueueView.self).encoded
        case .scheduler: configuration.view(for: SchedulerView.self).encoded
        case .dispatcher: configuration.view(for: DispatcherView.self).encoded
        case .crypto: configuration.view(for: CryptoView.self).encoded
        case .control, .parent: []
        }
    }

    func writeProcessFile() throws(SystemError) {
        let path = installation.isRootless ? installation.spool + "/smtpd.pid" : "/run/martlet/smtpd.pid"
        let file = try Files.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o644)
        try Files.writeAll(file, Array("\(getpid())\n".utf8))
    }
}
