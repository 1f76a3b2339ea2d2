import EventLoop
import Interprocess
import Platform
import ProcessMessages

/// One role as the parent sees it: a pid, a link, and how far it has come.
@EventLoopActor
final class ChildProcess {
    let role: Role
    let pid: pid_t
    var link: Link<ParentToChild, ChildToParent>
    var isReady = false
    var hasExited = false

    init(role: Role, pid: pid_t, link: Link<ParentToChild, ChildToParent>) {
        self.role = role
        self.pid = pid
        self.link = link
    }
}
