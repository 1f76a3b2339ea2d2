import Configuration
import EventLoop
import Platform
import ProcessMessages
import RoleProcess

/// The keeper of private keys: the only process that will ever read one. While no listener and no relay can
/// use TLS it has no key, no peer and nothing to say.
@EventLoopActor
package final class CryptoProcess: RoleProcess {
    package static let role = Role.crypto
    package static let privileges = RolePrivileges(user: .daemon, root: .nothing, profile: .eventLoop)

    private let context: RoleContext

    package init(context: RoleContext) {
        self.context = context
    }

    package func configure(_ encoded: [UInt8]) throws(ViewRefused) {
        do {
            let view = try CryptoView(decoding: encoded)
            guard view.keyPairs.isEmpty else { throw ViewRefused("TLS is not built yet") }
        } catch let refused as ViewRefused {
            throw refused
        } catch {
            throw ViewRefused("view of the configuration: \(error)")
        }
    }

    package func connect(_ peer: Role, over descriptor: consuming OwnedDescriptor) {
        context.fail("\(peer.name) is no peer of crypto")
    }

    package func serve() throws(ViewRefused) {}

    package func shutdown() async {}
}
