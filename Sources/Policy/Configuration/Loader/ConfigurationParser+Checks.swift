// What can be told only when everything has been read.
extension ConfigurationParser {
    mutating func checkWhole() {
        checkTableFiles()
        adoptAuthorities()
        checkKeyPairs()
        checkRelays()
        checkListeners()
        checkSRS()
        for (name, location) in lexer.macros.unused { note(at: location, "macro \(name) is not used") }
        // A file whose rules are all mistaken has enough to tell already.
        if result.rules.isEmpty, !diagnostics.contains(where: { $0.severity == .error }) {
            diagnostics.append(Diagnostic(at: nil, "no rules, nothing to do"))
        }
    }

    private mutating func checkTableFiles() {
        var maps: Set<String> = []
        for action in result.actions.values {
            guard case .local(let local) = action.kind else { continue }
            maps.formUnion([local.aliases, local.virtual].compactMap { $0 })
        }
        for (name, mistake) in tableFileMistakes.sorted(by: { $0.key < $1.key }) where !maps.contains(name) {
            diagnostics.append(mistake)
        }
    }

    private mutating func checkKeyPairs() {
        for (name, pair) in result.keyPairs.sorted(by: { $0.key < $1.key }) {
            let location = result.places.keyPairs[name]
            let certificate = generation == .match ? "cert" : "certificate"
            let files = [
                (certificate, pair.certificate, FilePurpose.certificate, true), ("key", pair.key, .privateKey, true),
                ("ca", pair.authority, .certificate, false), ("dhparams", pair.dhParameters, .certificate, false),
            ]
            for (word, file, purpose, isNeeded) in files {
                guard let file else {
                    if isNeeded { _ = fail(at: location, "pki \(name) has no \(word)", expected: "pki \(name) \(word) and a path") }
                    continue
                }
                if case .failed(let reason) = look(at: file, for: purpose) {
                    _ = fail(at: location, "pki \(name): cannot use \(word) \(file): \(reason)")
                }
            }
        }
    }

    /// 5.4 `pki NAME ca FILE` becomes an authority of its own for the listeners and relays that use the pair.
    private mutating func adoptAuthorities() {
        var adopted: [String: String] = [:]
        for (name, pair) in result.keyPairs {
            guard let file = pair.authority else { continue }
            let authority = "<pki \(name)>"
            result.authorities[authority] = CertificateAuthority(name: authority, certificate: file)
            adopted[name] = authority
        }
        for index in result.listeners.indices where result.listeners[index].authority == nil {
            result.listeners[index].authority = result.listeners[index].keyPairs.first.flatMap { adopted[$0] }
        }
        for (name, action) in result.actions {
            guard case .relay(var relay) = action.kind, relay.authority == nil, let pair = relay.keyPair else { continue }
            relay.authority = adopted[pair]
            result.actions[name]?.kind = .relay(relay)
        }
    }

    /// These names are looked up when relaying starts, not before, so they are no errors yet.
    private mutating func checkRelays() {
        for (name, action) in result.actions.sorted(by: { $0.key < $1.key }) {
            guard case .relay(let relay) = action.kind else { continue }
            if let pair = relay.keyPair, result.keyPairs[pair] == nil {
                warn(at: result.places.actions[name], "pki name not found: \(pair); this relay cannot start")
            }
            if let authority = relay.authority, result.authorities[authority] == nil {
                warn(at: result.places.actions[name], "ca name not found: \(authority); this relay cannot start")
            }
        }
    }

    private mutating func checkListeners() {
        struct Place: Hashable {
            var address: String
            var port: UInt16
        }
        var taken: [Place: SourceLocation?] = [:]
        for listener in result.listeners {
            for address in listener.addresses {
                let place = Place(address: address.description, port: listener.port)
                if let earlier = taken.updateValue(listener.location, forKey: place), let earlier {
                    warn(at: listener.location, "\(address.bracketed) port \(listener.port) is listened on twice, first at \(earlier)")
                }
            }
            if generation == .accept, case .named(let filter)? = listener.filter,
                !result.filters.contains(where: { $0.name == filter })
            {
                warn(at: listener.location, "no such filter: \(filter)")
            }
        }
    }

    private mutating func checkSRS() {
        guard let srs = result.srs, srs.key.isEmpty else { return }
        warn(at: nil, "srs without a key is not used")
        result.srs = nil
    }
}
