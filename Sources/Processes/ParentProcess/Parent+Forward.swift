import EventLoop
import Glibc
import Platform
import ProcessMessages
import TableBackends
import Tables

/// .forward files: opened with the rights of the user they belong to, so that no file of anybody else's can
/// be read through one.
extension ParentProcess {
    func readForward(of user: UserEntry, in userbase: String, answering request: UInt64) {
        lookup?.send(.forward(request: request, forward(of: user, in: userbase)))
    }

    private func forward(of user: UserEntry, in userbase: String) -> ForwardFile {
        do throws(SystemError) {
            var account = user
            if userbase == SystemUsers.table {
                // Lookup names the user; where he lives and what he may is our own knowledge.
                guard let record = try Users.named(user.name) else { return .permanentFailure("unknown user \(user.name)") }
                account = UserEntry(name: record.name, uid: record.uid, gid: record.gid, directory: record.home)
            } else if user.uid == 0 {
                return .permanentFailure("a virtual user with the rights of root")
            }
            if installation.isRootless { return ForwardFile.read(home: account.directory, user: account.uid) }
            let groups = userbase == SystemUsers.table ? try Users.groups(of: account.name, primary: account.gid) : [account.gid]
            return try Privileges.acting(as: Identity(uid: account.uid, gid: account.gid, groups: groups)) {
                () throws(SystemError) in ForwardFile.read(home: account.directory, user: account.uid)
            }
        } catch {
            return .temporaryFailure("\(error)")
        }
    }
}
