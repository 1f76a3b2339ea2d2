import Certificates
import Configuration
import EventLoop
import Interprocess
import ProcessMessages
import TLS

/// Everything of TLS that sessions share: certificates, contexts, and the way to the process that has the keys.
@EventLoopActor
final class DispatcherTLS {
    let handshakes = HandshakeCensus()
    private let keys = RemoteKeys()
    /// Kept over reloads, with the sessions that clients may resume.
    private let ticketKeys: TicketKeys
    /// What the parent has sent and no listener uses yet.
    private var arrived: Credentials?
    private var set = CertificateSet()
    private var configured: ConfiguredTLS?
    private var contexts: [TLSServerContext?] = []
    private var relayContexts: [RelayTerms: TLSClientContext] = [:]

    /// Before the process gives up its rights.
    ///
    /// - Throws: ``TLS/TLSSetupFailure/outOfMemory``.
    init() throws(TLSSetupFailure) {
        TLSLibrary.prepare()
        ticketKeys = try TicketKeys()
    }

    /// The link to the process that signs.
    func connect(_ link: Link<DispatcherToCrypto, CryptoToDispatcher>) { keys.link = link }

    func receive(_ message: CryptoToDispatcher) { keys.receive(message) }

    /// Takes certificates that come into force with the next listeners.
    func receive(_ credentials: Credentials) { arrived = credentials }

    /// Makes the contexts for the listeners of a view and of the certificates that came last. Sessions go on with
    /// the context they began with.
    ///
    /// - Throws: ``Certificates/ConfiguredTLSFailure``. The parent has tried the same, so that this is its mistake.
    func serve(_ view: DispatcherView) throws(ConfiguredTLSFailure) {
        if let arrived { set = CertificateSet(arrived) }
        arrived = nil
        let configured = try ConfiguredTLS(
            set, generation: view.generation, pairs: view.keyPairs, ciphers: view.session.ciphers, keys: keys,
            ticketKeys: ticketKeys)
        var contexts: [TLSServerContext?] = []
        for listener in view.listeners { contexts.append(try configured.serverContext(for: listener)) }
        self.configured = configured
        self.contexts = contexts
        relayContexts = [:]
    }

    /// The context of a listener of the view, by its place there; nil for one in clear.
    func context(ofListener index: Int) -> TLSServerContext? { contexts.indices.contains(index) ? contexts[index] : nil }

    /// How a relay wants to speak TLS.
    struct RelayTerms: Hashable {
        /// The `pki` whose certificate is shown to servers that ask.
        var certificate: String?
        /// The `ca`; nil for what the system trusts.
        var authority: String?
        var ciphers: String?
        var protocols: String?
        var verification: TLSClientSettings.Verification
    }

    /// The context for connections on these terms; the same again until certificates or configuration change.
    ///
    /// - Throws: ``Certificates/ConfiguredTLSFailure`` for terms that cannot be kept.
    func clientContext(_ terms: RelayTerms) throws(ConfiguredTLSFailure) -> TLSClientContext {
        if let known = relayContexts[terms] { return known }
        guard let configured else { preconditionFailure("a relay before the first listeners") }
        let context = try configured.clientContext(
            certificate: terms.certificate, authority: terms.authority, ciphers: terms.ciphers, protocols: terms.protocols,
            verification: terms.verification)
        relayContexts[terms] = context
        return context
    }
}

/// The private keys, as they are seen from here: numbers that somebody signs with.
@EventLoopActor
final class RemoteKeys: KeyHolder {
    var link: Link<DispatcherToCrypto, CryptoToDispatcher>?
    private let signatures = PendingRequests<[UInt8]?>()

    init() {}

    func sign(_ input: SignatureInput, withKey number: UInt32) async -> [UInt8]? {
        let request = signatures.next()
        link?.send(.sign(request: request, key: number, SignatureRequest(input)))
        return await signatures.answer(request) ?? nil
    }

    func receive(_ message: CryptoToDispatcher) {
        switch message {
        case .signed(let request, let signature): signatures.resolve(request, signature)
        case .refused(let request): signatures.resolve(request, nil)
        }
    }
}

extension SignatureRequest {
    /// The same as a message.
    init(_ input: SignatureInput) {
        self =
            switch input {
            case .rsaPKCS1(let octets): .rsaPKCS1(octets)
            case .rsaBlock(let octets): .rsaBlock(octets)
            case .ecdsa(let octets): .ecdsa(octets)
            }
    }
}

extension CertificateSet {
    /// What came as a message.
    init(_ credentials: Credentials) {
        self.init()
        for identity in credentials.identities {
            identities[identity.name] = Identity(key: identity.key, chain: identity.chain, parameters: identity.parameters)
        }
        for authority in credentials.authorities { authorities[authority.name] = authority.certificates }
        system = credentials.system
    }
}

extension TLSFacts {
    /// Version, cipher and its bits, as the log has them.
    var suite: String { "\(version):\(cipher):\(bits)" }
}
