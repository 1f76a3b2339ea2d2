import EventLoop
import Glibc
import Interprocess
import Platform
import ProcessMessages

/// One role as the parent sees it: a process, a link, and how far it has come.
@EventLoopActor
final class RoleHandle {
    let role: Role
    let process: pid_t
    let link: Link<ParentToChild, ChildToParent>
    var stage = Stage.starting
    var hasExited = false
    /// Views sent after the first one and not confirmed yet.
    var pendingViews = 0

    /// How far the start of the role has come.
    enum Stage: Int, Comparable {
        case starting, serving, recovered

        static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
    }

    init(role: Role, process: pid_t, link: Link<ParentToChild, ChildToParent>) {
        self.role = role
        self.process = process
        self.link = link
    }
}
