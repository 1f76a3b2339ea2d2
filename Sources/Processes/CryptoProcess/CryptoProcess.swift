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
    package static let privileges = RolePrivileges(user: .daemon, root: .nothing, calls: [])

    private let context: RoleContext

    package init(context: RoleContext) {
        self.context = context
    }

    package func configure(_ encoded: [UInt8]) throws(ViewRefused) {
        let view: CryptoView
        do throws(DecodingFailure) {
            view = try CryptoView(decoding: encoded)
        } catch {
            throw ViewRefused("view of the configuration: \(error)")
        }
        guard view.keyPairs.isEmpty else { throw ViewRefused("private keys have no use before TLS is built") }
    }

    package func connect(_ peer: Role, over descriptor: consuming OwnedDescriptor) {
        context.fail("\(peer.name) is no peer of crypto")
    }

    package func serve() throws(ViewRefused) {}

    package func shutdown() async {}
}
