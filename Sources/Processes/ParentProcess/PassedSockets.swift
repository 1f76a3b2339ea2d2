import EventLoop
import Platform
import RoleProcess

/// Listening sockets that the service manager has bound (systemd.socket(5)), in place of those that the parent would bind.
///
/// They are kept for as long as the daemon runs, since the service manager keeps them too: an address that one
/// reload leaves out and another wants back could not be bound anew.
@EventLoopActor
struct PassedSockets {
    private struct Held {
        let address: SocketAddress
        let descriptor: DescriptorBox
    }

    private var held: [Held] = []

    /// Lines for the log about what was passed.
    struct Account {
        var kept: [String] = []
        var closed: [String] = []
    }

    init() {}

    /// Keeps the sockets that are wanted and closes everything else, once.
    ///
    /// - Parameter wanted: The addresses of the configuration.
    mutating func take(_ passed: PassedDescriptors, wanted: Set<SocketAddress>) -> Account {
        var account = Account()
        for entry in passed.entries {
            let descriptor = OwnedDescriptor(adopting: entry.raw)
            let title = "socket \(entry.name) of the service manager"
            do throws(ListeningSocket.Unfit) {
                let address = try ListeningSocket.address(ofPassed: descriptor)
                if !wanted.contains(address) {
                    account.closed.append("\(title) closed: nothing in the configuration listens on \(address)")
                } else if held.contains(where: { $0.address == address }) {
                    account.closed.append("\(title) closed: it is the second one for \(address)")
                } else {
                    held.append(Held(address: address, descriptor: DescriptorBox(descriptor)))
                    account.kept.append("\(title) taken for \(address)")
                }
            } catch {
                account.closed.append("\(title) closed: \(error)")
            }
        }
        return account
    }

    /// A descriptor of the socket that is bound to an address; nil if there is none.
    func socket(at address: SocketAddress) throws(SystemError) -> OwnedDescriptor? {
        guard let found = held.first(where: { $0.address == address }) else { return nil }
        return try found.descriptor.duplicate()
    }
}
