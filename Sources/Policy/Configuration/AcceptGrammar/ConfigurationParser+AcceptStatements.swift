// The 5.4 grammar's statements but for rules and `listen`, with what its last versions (up to 6.0)
// added (smtpd.conf(5)).
extension ConfigurationParser {
    mutating func acceptStatement() throws(StatementFailure) {
        guard case .word(let head) = token.kind else { throw unexpected("a statement") }
        switch head {
        case "accept", "reject": try acceptRule()
        case "bounce-warn":
            advance()
            // Alone it says what holds anyway.
            if token.kind != .newline && token.kind != .end { try bounceDelays() }
        case "ca": try authorityStatement("certificate")
        case "ciphers":
            advance()
            result.session.ciphers = try string("a list of ciphers")
        case "curve":
            warn(at: token.location, "curve is not used: the library chooses")
            advance()
            _ = try string("the name of a curve")
        case "expire":
            advance()
            result.queue.timeToLive = try delay("a lifetime")
        case "filter", "filterchain": try legacyFilterStatement()
        case "limit": try limitStatement()
        case "listen": try acceptListenStatement()
        case "max-message-size":
            advance()
            result.session.maximumMessageSize = try size("a size")
        case "max-mta-deferred":
            advance()
            result.mta.maximumDeferred = try number("a number", in: 0...Self.maximumLimit)
        case "pki": try acceptKeyPairStatement()
        case "queue": try acceptQueueStatement()
        case "subaddressing-delimiter":
            advance()
            result.session.subaddressDelimiter = try delimiter()
        case "table": try tableStatement()
        default: throw unexpected("a statement")
        }
    }

    /// Words that begin statements of later 5.x versions without being reserved.
    func isContextualStatement(_ word: String) -> Bool {
        guard generation == .accept, ["ciphers", "curve", "subaddressing-delimiter"].contains(word) else { return false }
        var ahead = lexer
        return !ahead.next().isMark("=")
    }

    private mutating func legacyFilterStatement() throws(StatementFailure) {
        let isChain = isKeyword("filterchain")
        advance()
        let location = token.location
        let name = try string("the name of the filter")
        if isChain {
            while isString { _ = try string("the name of a filter") }
        } else {
            _ = try string("the path of the filter")
            while isString { _ = try string("an argument") }
        }
        guard !result.filters.contains(where: { $0.name == name }) else {
            throw fail(at: location, "filter already declared with that name: \(name)")
        }
        result.filters.append(FilterDefinition(name: name, kind: .legacy))
        result.places.filters[name] = location
    }

    private mutating func limitStatement() throws(StatementFailure) {
        advance()
        if take("mda") {
            try mdaLimits()
        } else if take("mta") {
            try mtaLimits()
        } else if take("scheduler") {
            try schedulerLimits()
        } else if take("session") {
            try sessionLimits()
        } else {
            throw unexpected("mda, mta or scheduler")
        }
    }

    private mutating func acceptKeyPairStatement() throws(StatementFailure) {
        advance()
        let location = token.location
        let name = try identity("the name of the key pair")
        var pair = result.keyPairs[name] ?? KeyPair(name: name)
        while true {
            if take("certificate") {
                pair.certificate = try string("the path of a certificate")
            } else if take("key") {
                pair.key = try string("the path of a key")
            } else if take("ca") {
                pair.authority = try string("the path of a bundle of authorities")
            } else if take("dhparams") {
                pair.dhParameters = try string("the path of parameters")
            } else if take("dhe") {
                pair.ephemeralDH = try ephemeralDH()
            } else {
                break
            }
        }
        guard token.kind == .newline || token.kind == .end else { throw unexpected("certificate, key, ca or dhparams") }
        result.keyPairs[name] = pair
        result.places.keyPairs[name] = result.places.keyPairs[name] ?? location
    }

    private mutating func acceptQueueStatement() throws(StatementFailure) {
        let location = token.location
        advance()
        if take("compression") {
            result.queue.usesCompression = true
            result.places.compression = location
        } else if take("encryption") {
            result.places.encryption = location
            let isBackup = take("backup")
            let encryption = take("key") ? try encryptionKey() : .prompt
            if isBackup { result.queue.backupEncryption = encryption } else { result.queue.encryption = encryption }
        } else {
            throw unexpected("`compression` or `encryption`")
        }
    }
}
