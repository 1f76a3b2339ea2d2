import Certificates
import Configuration
import EventLoop
import Platform
import ProcessMessages
import RoleProcess

/// Keys and certificates: opened and checked here, since root alone may; then keys go to crypto unread, and
/// certificates to the dispatcher.

/// A private key that crypto has.
struct HeldKey {
    let number: UInt32
    /// The state of its file when crypto got it.
    let stamp: FileStamp
    let publicKey: [UInt8]
}

/// The certificates in force, and the keys that belong to them.
struct HeldCredentials {
    /// By the path of the file.
    var keys: [String: HeldKey] = [:]
    var set = CertificateSet()
    /// The state in which each file was read.
    var stamps: [String: FileStamp] = [:]
}

/// What crypto says of a key.
enum KeyVerdict: Sendable {
    case loaded(publicKey: [UInt8])
    case unusable(String)
    case encrypted
}

/// What comes of reading all of them.
enum CredentialOutcome {
    case loaded(HeldCredentials)
    /// One line each.
    case refused([String])
}

extension ParentProcess {
    /// Reads what a configuration names, and has crypto load the keys that are new or have changed. Nothing is in
    /// force before ``giveCredentials(_:)``.
    func loadCredentials(for configuration: Configuration) async -> CredentialOutcome {
        var reading = CertificateReading(configuration)
        var keys: [String: HeldKey] = [:]
        for (name, pair) in configuration.keyPairs.sorted(by: { $0.key < $1.key }) {
            guard let path = pair.key, let publicKey = reading.publicKeys[name] else { continue }
            do throws(CredentialFailure) {
                let key: HeldKey
                if let known = keys[path] { key = known } else { key = try await holdKey(try reading.openKey(path)) }
                keys[path] = key
                guard key.publicKey == publicKey else {
                    throw CredentialFailure(path, .stranger(certificate: pair.certificate ?? ""))
                }
                reading.enter(key: key.number, of: name, at: path, key.stamp)
            } catch {
                reading.note(error, of: name)
            }
        }
        reading.checkContexts()
        guard reading.problems.isEmpty else { return .refused(reading.problems) }
        for warning in reading.warnings { log.warning(warning) }
        return .loaded(HeldCredentials(keys: keys, set: reading.set, stamps: reading.stamps))
    }

    /// The key of a file: as crypto has it, or after crypto has loaded it.
    private func holdKey(_ file: consuming CredentialFile) async throws(CredentialFailure) -> HeldKey {
        let (path, stamp) = (file.path, file.stamp)
        if let held = credentials.keys[path], held.stamp == stamp { return held }
        let descriptor: OwnedDescriptor
        if let plain = unlockedKeys.take(path, stamp) {
            descriptor = plain
        } else {
            descriptor = file.intoDescriptor()
        }
        let request = keyLoads.next()
        // Numbers begin at one, and four thousand millions of renewals are far away.
        let number = UInt32(truncatingIfNeeded: request)
        crypto?.send(.load(key: number), descriptor: descriptor)
        switch await keyLoads.answer(request) {
        case .loaded(let publicKey): return HeldKey(number: number, stamp: stamp, publicKey: publicKey)
        case .unusable(let reason): throw CredentialFailure(path, .unusable(reason))
        // Those that were encrypted at the start have been unlocked.
        case .encrypted: throw CredentialFailure(path, .changedEncrypted)
        case nil: throw CredentialFailure(path, .unusable("the process that holds keys has ended"))
        }
    }

    /// Puts certificates into force: the dispatcher serves with them after the listeners that come next.
    func giveCredentials(_ new: HeldCredentials) {
        credentials = new
        dispatcher?.send(.credentials(Credentials(new.set)))
        giveListeners()
        crypto?.send(.keep(new.keys.values.map(\.number).sorted()))
    }

    func receive(_ message: CryptoToParent) {
        switch message {
        case .loaded(let key, let publicKey): keyLoads.resolve(UInt64(key), .loaded(publicKey: publicKey))
        case .unusable(let key, let reason): keyLoads.resolve(UInt64(key), .unusable(reason))
        case .encrypted(let key): keyLoads.resolve(UInt64(key), .encrypted)
        }
    }

    // MARK: Renewal

    /// How often files are looked at: a few calls of the kernel, so that a renewed certificate needs nobody's word.
    private static var renewalInterval: Duration { .seconds(10) }

    /// Takes up renewed certificates by itself from now on.
    func watchCredentials() {
        guard renewalTimer == nil else { return }
        let timer = LoopTimer { [unowned self] in renewCredentials() }
        renewalTimer = timer
        timer.schedule(after: Self.renewalInterval)
    }

    private func renewCredentials() {
        defer { renewalTimer?.schedule(after: Self.renewalInterval) }
        // A reload reads them anyway.
        guard !isEnding, !isRenewing, reloadWaiters.isEmpty else { return }
        var now: [String: FileStamp] = [:]
        for path in credentials.stamps.keys { now[path] = CredentialFile.stamp(of: path) }
        // Files are replaced one after the other: what has been found wanting once is looked at when it changes again.
        guard now != credentials.stamps, now != refusedStamps else { return }
        isRenewing = true
        let configuration = configuration
        spawn { [self] in
            let outcome = await loadCredentials(for: configuration)
            isRenewing = false
            guard !isEnding, reloadWaiters.isEmpty else { return }
            switch outcome {
            case .loaded(let new):
                refusedStamps = nil
                giveCredentials(new)
                log.info("renewed certificates taken up")
            case .refused(let reasons):
                refusedStamps = now
                for reason in reasons { log.warning("certificates not renewed: \(reason)") }
            }
        }
    }
}

extension Credentials {
    /// The same as a message.
    init(_ set: CertificateSet) {
        self.init(
            identities: set.identities.sorted { $0.key < $1.key }.map { name, identity in
                Identity(name: name, key: identity.key, chain: identity.chain, parameters: identity.parameters)
            }, authorities: set.authorities.sorted { $0.key < $1.key }.map { Authority(name: $0, certificates: $1) },
            system: set.system)
    }
}
