import ControlMessages
import Glibc
import Platform
import RoleProcess

/// Who a client is, and what that allows: the kernel's word, never the client's.
enum Access: Hashable {
    case none
    /// About what this user has handed in on this machine.
    case own(uid: UInt32)
    case full
}

extension ControlProcess {
    /// What a client may do with requests of a kind.
    func access(of peer: ControlPeer, to audience: ControlAudience) -> Access {
        if peer.user == 0 || context.installation.isRootless && peer.user == getuid() { return .full }
        switch audience {
        case .everybody: return .full
        case .readers: return isReader(peer) ? .full : .none
        case .owners: return .own(uid: peer.user)
        case .ownersAndReaders: return isReader(peer) ? .full : .own(uid: peer.user)
        case .operators: return .none
        }
    }

    private func isReader(_ peer: ControlPeer) -> Bool {
        readersGroup.map { peer.group == $0 || peer.groups.contains($0) } ?? false
    }
}

/// Who is at the other end of a connection, as the kernel noted it when it was made.
struct ControlPeer: Hashable, Sendable {
    let user: UInt32
    let group: UInt32
    /// Supplementary ones; empty where the kernel does not tell.
    let groups: [UInt32]

    init(_ credentials: PeerCredentials, groups: [UInt32]) {
        user = credentials.user
        group = credentials.group
        self.groups = groups
    }
}
