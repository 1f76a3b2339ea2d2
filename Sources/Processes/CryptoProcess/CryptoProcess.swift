import EventLoop
import Interprocess
import Log
import Platform
import ProcessMessages
import RoleProcess
import TLS

/// The keeper of private keys: the only process that ever reads one.
///
/// It signs what a TLS handshake wants signed and does nothing else. It talks to no network, has no file of its
/// own, and parses nothing but keys that an administrator has put where root alone may.
@EventLoopActor
package final class CryptoProcess: RoleProcess {
    package static let role = Role.crypto
    package static let privileges = RolePrivileges(user: .daemon, root: .nothing, calls: [])

    private let context: RoleContext
    private var parent: Link<CryptoToParent, ParentToCrypto>?
    private var dispatcher: Link<CryptoToDispatcher, DispatcherToCrypto>?
    private var control: Link<CryptoToControl, ControlToCrypto>?
    private var keys = KeyRing()
    private var counts = SignatureCounts()
    private var forgetting: LoopTimer?

    package init(context: RoleContext) {
        self.context = context
        TLSLibrary.prepare()
    }

    /// It needs to know nothing: keys come one by one.
    package func configure(_ view: [UInt8]) throws(ViewRefused) {
        guard view.isEmpty else { throw ViewRefused("a view for a process that has none") }
    }

    package func connect(_ peer: Role, over descriptor: consuming OwnedDescriptor) {
        switch peer {
        case .parent:
            parent = context.link(to: peer, over: descriptor) { [unowned self] message, file in receive(message, file) }
        case .dispatcher:
            dispatcher = context.link(to: peer, over: descriptor) { [unowned self] message, _ in receive(message) }
        case .control:
            control = context.link(to: peer, over: descriptor) { [unowned self] message, _ in receive(message) }
        case .lookup, .queue, .scheduler, .crypto:
            context.fail("\(peer.name) is no peer of crypto")
        }
    }

    package func serve() throws(ViewRefused) {
        forgetting = LoopTimer { [unowned self] in keys.forgetRetired(at: .now()) }
    }

    package func shutdown() async {}

    // MARK: What comes in

    private func receive(_ message: ParentToCrypto, _ file: consuming OwnedDescriptor?) {
        switch message {
        case .load(let key):
            guard let file = file.take() else { context.fail("a key without its file") }
            load(key, from: file)
        case .keep(let wanted):
            keys.keep(Set(wanted), at: .now())
            forgetting?.schedule(after: KeyRing.grace)
        }
    }

    private func receive(_ message: DispatcherToCrypto) {
        switch message {
        case .sign(let request, let key, let input): sign(input, with: key, answering: request)
        }
    }

    private func receive(_ message: ControlToCrypto) {
        switch message {
        case .statistics(let request): control?.send(.statistics(request: request, counts.report(keys: keys.count)))
        }
    }

    private func load(_ number: UInt32, from file: consuming OwnedDescriptor) {
        do throws(SystemError) {
            let pem = try SecretBytes(contentsOf: file, limit: PrivateKey.maximumFileSize)
            do throws(PrivateKeyFailure) {
                let key = try PrivateKey(pem: pem)
                keys.add(key, number: number)
                parent?.send(.loaded(key: number, publicKey: key.publicKey))
            } catch {
                if case .encrypted = error {
                    parent?.send(.encrypted(key: number))
                } else {
                    parent?.send(.unusable(key: number, reason: error.text))
                }
            }
        } catch {
            parent?.send(.unusable(key: number, reason: error.reason))
        }
    }

    private func sign(_ request: SignatureRequest, with number: UInt32, answering id: UInt64) {
        let began = MonotonicInstant.now()
        let signature = keys[number]?.sign(SignatureInput(request))
        counts.note(request, isSigned: signature != nil, after: MonotonicInstant.now() - began)
        if let signature {
            dispatcher?.send(.signed(request: id, signature))
        } else {
            dispatcher?.send(.refused(request: id))
        }
    }
}

extension SignatureInput {
    /// The same in the words of TLS.
    init(_ request: SignatureRequest) {
        self =
            switch request {
            case .rsaPKCS1(let octets): .rsaPKCS1(octets)
            case .rsaBlock(let octets): .rsaBlock(octets)
            case .ecdsa(let octets): .ecdsa(octets)
            }
    }
}
