import AgentMessages
import EventLoop
import Glibc
import Platform
import ProcessMessages
import RoleProcess
import Tables

/// Delivery agents: started as the user the dispatcher names, never as root.
extension ParentProcess {
    func startAgent(_ identity: AgentIdentity, answering request: UInt64) {
        spawn { [self] in
            do throws(AgentRefusal) {
                let account = try await account(for: identity)
                let pair = try trying { () throws(SystemError) in try LocalSocket.pair() }
                let process = try start(account, for: identity, socket: pair.second)
                agents[process] = account.entry.name
                dispatcher?.send(.agent(request: request, user: account.entry), descriptor: pair.first)
            } catch {
                log.warning("no delivery agent for \(identity): \(error.reason)")
                dispatcher?.send(.agentRefused(request: request, isPermanent: error.isPermanent, reason: error.reason))
            }
        }
    }

    /// Who an identity is on this machine.
    private func account(for identity: AgentIdentity) async throws(AgentRefusal) -> AgentAccount {
        switch identity {
        case .daemon:
            let name = try installation.isRootless ? ownName() : DaemonAccounts.daemonUser
            return try systemAccount(named: name)
        case .user(let name, SystemUsers.table), .mailbox(let name, SystemUsers.table):
            return try systemAccount(named: name)
        case .user(let name, let userbase), .mailbox(let name, let userbase):
            let request = users.next()
            lookup?.send(.user(request: request, userbase: userbase, name: name))
            switch await users.answer(request) {
            case .found(let entry):
                // A number of lookup's: taken for a virtual user's, never for root's.
                guard entry.uid != 0, entry.gid != 0 else { throw AgentRefusal("mail is never delivered as root", permanent: true) }
                return AgentAccount(entry: entry, groups: [entry.gid])
            case .missing: throw AgentRefusal("unknown user \(name)", permanent: true)
            case .failed(let reason): throw AgentRefusal(reason, permanent: false)
            case nil: throw AgentRefusal("lookup is gone", permanent: false)
            }
        }
    }

    private func systemAccount(named name: String) throws(AgentRefusal) -> AgentAccount {
        let record = try trying { () throws(SystemError) in try Users.named(name) }
        guard let record else { throw AgentRefusal("unknown user \(name)", permanent: true) }
        guard record.uid != 0 else { throw AgentRefusal("mail is never delivered as root", permanent: true) }
        let groups =
            installation.isRootless
            ? [] : try trying { () throws(SystemError) in try Users.groups(of: record.name, primary: record.gid) }
        return AgentAccount(
            entry: UserEntry(name: record.name, uid: record.uid, gid: record.gid, directory: record.home),
            groups: groups)
    }

    private func ownName() throws(AgentRefusal) -> String {
        let record = try trying { () throws(SystemError) in try Users.withID(getuid()) }
        guard let record else { throw AgentRefusal("uid \(getuid()) has no name", permanent: false) }
        return record.name
    }

    private func start(
        _ account: AgentAccount, for identity: AgentIdentity, socket: borrowing OwnedDescriptor
    ) throws(AgentRefusal) -> pid_t {
        let user = account.entry
        var program = ChildProcess(
            path: options.programs.agent, arguments: ["mail.agent"],
            environment: [
                "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=\(user.directory)", "USER=\(user.name)",
                "LOGNAME=\(user.name)", "SHELL=/bin/sh",
            ])
        var group = user.gid
        if case .mailbox = identity {
            // Debian policy 11.6: /var/mail belongs to the group mail, and a mailbox with its locks is made there.
            program.arguments.append("-m")
            if !installation.isRootless { group = try mailGroup() }
        }
        if !installation.isRootless {
            program.identity = Identity(uid: user.uid, gid: group, groups: account.groups)
        }
        program.mask = 0o077
        program.openFiles = 1_024
        program.startsSession = true
        do throws(SystemError) {
            return try program.start(error: options.logsToStandardError ? STDERR_FILENO : nil, extra: socket.raw)
        } catch {
            throw AgentRefusal("\(error)", permanent: false)
        }
    }

    private func mailGroup() throws(AgentRefusal) -> UInt32 {
        let record = try trying { () throws(SystemError) in try Groups.named("mail") }
        guard let record else { throw AgentRefusal("no group mail", permanent: false) }
        return record.gid
    }

    private func trying<Result: ~Copyable>(_ body: () throws(SystemError) -> Result) throws(AgentRefusal) -> Result {
        do throws(SystemError) {
            return try body()
        } catch {
            throw AgentRefusal("\(error)", permanent: false)
        }
    }
}

/// An account with its groups.
private struct AgentAccount {
    let entry: UserEntry
    let groups: [UInt32]
}

private struct AgentRefusal: Error {
    let reason: String
    let isPermanent: Bool
    init(_ reason: String, permanent: Bool) {
        self.reason = reason
        isPermanent = permanent
    }
}
