import Configuration
import EventLoop
import Platform
import TLS

/// Reads what `pki` and `ca` name, as far as it is public, and says what of it cannot be used.
package struct CertificateReading {
    package private(set) var set = CertificateSet()
    /// One line each, with its place in the configuration.
    package private(set) var problems: [String] = []
    /// What an operator should know though it can be used.
    package private(set) var warnings: [String] = []
    /// The state of every file that was read.
    package private(set) var stamps: [String: FileStamp] = [:]
    /// What each private key has to belong to: public keys by the name of the `pki`.
    package private(set) var publicKeys: [String: [UInt8]] = [:]

    private let configuration: Configuration

    /// Reads at once.
    package init(_ configuration: Configuration) {
        self.configuration = configuration
        for (name, pair) in configuration.keyPairs.sorted(by: { $0.key < $1.key }) { readIdentity(name, pair) }
        for (name, authority) in configuration.authorities.sorted(by: { $0.key < $1.key }) {
            readAuthority(name, authority.certificate)
        }
        if configuration.needsSystemAuthorities { readSystem() }
    }

    /// Opens the file of a private key without looking into it.
    package func openKey(_ path: String) throws(CredentialFailure) -> CredentialFile {
        try CredentialFile(path, .privateKey(configuration.generation))
    }

    /// Notes what is wrong with a key pair.
    package mutating func note(_ failure: CredentialFailure, of pair: String) {
        problems.append(Diagnostic(at: configuration.places.keyPairs[pair], "pki \(pair): \(failure.text)").description)
    }

    /// Enters the number that a private key has, and the state its file was in.
    package mutating func enter(key: UInt32, of pair: String, at path: String, _ stamp: FileStamp) {
        set.identities[pair]?.key = key
        stamps[path] = stamp
    }

    private mutating func readIdentity(_ name: String, _ pair: KeyPair) {
        guard let path = pair.certificate else { return }
        do throws(CredentialFailure) {
            let bytes = try read(path)
            let chain: CertificateChain
            do throws(TLSSetupFailure) {
                chain = try CertificateChain(pem: bytes)
            } catch {
                throw CredentialFailure(path, .tls(error))
            }
            publicKeys[name] = chain.publicKey
            if let warning = chain.warning {
                warnings.append(
                    Diagnostic(.warning, at: configuration.places.keyPairs[name], "pki \(name): \(path): \(warning)").description)
            }
            let parameters: [UInt8]? = if let file = pair.dhParameters { try read(file) } else { nil }
            set.identities[name] = CertificateSet.Identity(key: 0, chain: bytes, parameters: parameters)
        } catch {
            note(error, of: name)
        }
    }

    private mutating func readAuthority(_ name: String, _ path: String) {
        do throws(CredentialFailure) {
            set.authorities[name] = try read(path)
        } catch {
            problems.append(Diagnostic(at: nil, "ca \(name): \(error.text)").description)
        }
    }

    private mutating func readSystem() {
        guard let path = SystemAuthorities.path else {
            return warnings.append(
                "warning: no certificate of a peer will verify: this system has no list of authorities in "
                    + SystemAuthorities.places.joined(separator: ", "))
        }
        do throws(CredentialFailure) {
            set.system = try read(path)
        } catch {
            problems.append(error.text)
        }
    }

    private mutating func read(_ path: String) throws(CredentialFailure) -> [UInt8] {
        let file = try CredentialFile(path, .certificate)
        stamps[path] = file.stamp
        return try file.contents()
    }

    /// Makes every context that the configuration asks for, and notes which cannot be made.
    package mutating func checkContexts() {
        guard problems.isEmpty else { return }
        do throws(ConfiguredTLSFailure) {
            let ticketKeys: TicketKeys
            do throws(TLSSetupFailure) {
                ticketKeys = try TicketKeys()
            } catch {
                return problems.append(error.text)
            }
            var tried = set
            // What the system trusts is long to read, and relays read it when the first of them connects.
            if !configuration.listeners.contains(where: \.needsSystemAuthorities) { tried.system = nil }
            let tls = try ConfiguredTLS(
                tried, generation: configuration.generation, pairs: configuration.keyPairs,
                ciphers: configuration.session.ciphers, keys: NoKeys(), ticketKeys: ticketKeys)
            for listener in configuration.listeners { check(listener, tls) }
            for (name, action) in configuration.actions.sorted(by: { $0.key < $1.key }) { check(action, name, tls) }
        } catch {
            problems.append(error.text)
        }
    }

    private mutating func check(_ listener: Listener, _ tls: ConfiguredTLS) {
        do throws(ConfiguredTLSFailure) {
            _ = try tls.serverContext(for: listener)
        } catch {
            problems.append(Diagnostic(at: listener.location, error.text).description)
        }
    }

    private mutating func check(_ action: Action, _ name: String, _ tls: ConfiguredTLS) {
        guard case .relay(let relay) = action.kind else { return }
        do throws(ConfiguredTLSFailure) {
            _ = try tls.clientContext(
                certificate: relay.keyPair, authority: relay.authority, ciphers: relay.ciphers, protocols: relay.protocols,
                verification: .noted)
        } catch {
            problems.append(Diagnostic(at: configuration.places.actions[name], "action \(name): \(error.text)").description)
        }
    }
}

/// Nobody signs for contexts that are only tried.
private final class NoKeys: KeyHolder {
    nonisolated init() {}
    func sign(_ input: SignatureInput, withKey number: UInt32) async -> [UInt8]? { nil }
}
