import EventLoop
import Interprocess
import Log
import Platform
import ProcessMessages

/// The shape that every role but the parent has: born with one link to the parent, told its view of the
/// configuration and its peers over it, confined, then serving until told to stop.
@EventLoopActor
package protocol RoleProcess: AnyObject {
    static var role: Role { get }
    /// What is left of the process's rights once it serves.
    static var privileges: RolePrivileges { get }

    init(context: RoleContext)

    /// Takes a view of the configuration: the first before any peer, later ones after a reload.
    ///
    /// - Throws: A ``ViewRefused`` with words for the log, with the view before still in force; the first view
    ///   refused is fatal.
    func configure(_ view: [UInt8]) throws(ViewRefused)
    /// Takes the descriptor that leads to a peer.
    func connect(_ peer: Role, over descriptor: consuming OwnedDescriptor)
    /// Takes a key of the queue. The queue process alone is given any.
    func take(_ use: QueueKeyUse, from file: consuming OwnedDescriptor) throws(ViewRefused)
    /// Every peer is there: begin.
    func serve() throws(ViewRefused)
    /// Reads what is left from before, however long that takes: clients are let in meanwhile, and what they ask of
    /// the role waits. Nothing is received between ``serve()`` and this.
    func recover() throws(ViewRefused)
    /// Finish or roll back what is under way; the process exits when this returns.
    func shutdown() async
}

extension RoleProcess {
    package func recover() throws(ViewRefused) {}

    package func take(_ use: QueueKeyUse, from file: consuming OwnedDescriptor) throws(ViewRefused) {
        throw ViewRefused("a key of the queue is none of \(Self.role.name)'s business")
    }
}

/// Why a role does not take its view.
package struct ViewRefused: Error {
    package let reason: String
    package init(_ reason: String) { self.reason = reason }
}
