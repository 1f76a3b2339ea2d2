// The 7.x grammar's statements but for `action`, `match`, `listen` and filters (smtpd.conf(5)).
extension ConfigurationParser {
    mutating func matchStatement() throws(StatementFailure) {
        guard case .word(let head) = token.kind else { throw unexpected("a statement") }
        switch head {
        case "action": try actionStatement()
        case "admd": try admdStatement()
        case "bounce": try bounceStatement()
        case "ca": try authorityStatement("cert")
        case "filter": try filterStatement()
        case "listen": try matchListenStatement()
        case "match": try matchRule()
        case "mda": try mdaStatement()
        case "mta": try mtaStatement()
        case "pki": try pkiStatement()
        case "proc": try processStatement()
        case "queue": try queueStatement()
        case "scheduler":
            advance()
            try require("limit")
            try schedulerLimits()
        case "smtp": try smtpStatement()
        case "srs": try srsStatement()
        case "table": try tableStatement()
        default:
            throw unexpected(Self.replacement(ofAcceptHead: head) ?? "a statement")
        }
    }

    /// What a statement of the 5.4 language is called in this one.
    static func replacement(ofAcceptHead head: String) -> String? {
        switch head {
        case "expire": "`queue ttl` (`expire` is 5.4 language)"
        case "bounce-warn": "`bounce warn-interval` (`bounce-warn` is 5.4 language)"
        case "max-message-size": "`smtp max-message-size`"
        case "max-mta-deferred": "`mta max-deferred` (`max-mta-deferred` is 5.4 language)"
        case "limit": "`mta limit`, `mda limit` or `scheduler limit` (`limit` is 5.4 language)"
        default: nil
        }
    }

    private mutating func admdStatement() throws(StatementFailure) {
        advance()
        let location = token.location
        let name = try string("a name for the filters")
        guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw fail(at: location, "admd may hold only printable characters")
        }
        result.admd = name
    }

    private mutating func bounceStatement() throws(StatementFailure) {
        advance()
        try require("warn-interval")
        try bounceDelays()
    }

    /// `DELAY { "," DELAY }`: replaces the delays there were. What is beyond the fourth is not used.
    mutating func bounceDelays() throws(StatementFailure) {
        let location = token.location
        var delays = [try delay("a delay")]
        while take(mark: ",") { delays.append(try delay("a delay")) }
        if delays.count > Self.maximumBounceDelays {
            warn(at: location, "only the first \(Self.maximumBounceDelays) of \(delays.count) delays are used")
        }
        result.queue.bounceWarnIntervals = Array(delays.prefix(Self.maximumBounceDelays))
    }

    private static let maximumBounceDelays = 4

    /// `ca NAME cert FILE`.
    mutating func authorityStatement(_ keyword: String) throws(StatementFailure) {
        advance()
        let location = token.location
        let name = try identity("the name of the authority")
        try require(keyword)
        let place = token.location
        let file = try string("the path of a file")
        guard result.authorities[name] == nil else { throw fail(at: location, "ca already declared: \(name)") }
        result.authorities[name] = CertificateAuthority(name: name, certificate: file)
        if case .failed(let reason) = look(at: file, for: .certificate) {
            throw fail(at: place, "ca \(name): cannot use \(file): \(reason)")
        }
    }

    enum FileLook { case usable, failed(String) }

    func look(at file: String, for purpose: FilePurpose) -> FileLook {
        do {
            try environment.check(file: file, for: purpose)
            return .usable
        } catch {
            return .failed(error.text)
        }
    }

    private mutating func pkiStatement() throws(StatementFailure) {
        advance()
        let location = token.location
        let name = try identity("the name of the key pair")
        var pair = result.keyPairs[name] ?? KeyPair(name: name)
        while true {
            if take("cert") {
                pair.certificate = try string("the path of a certificate")
            } else if take("key") {
                pair.key = try string("the path of a key")
            } else if take("dhe") {
                pair.ephemeralDH = try ephemeralDH()
            } else {
                break
            }
        }
        result.keyPairs[name] = pair
        result.places.keyPairs[name] = result.places.keyPairs[name] ?? location
        if token.kind != .newline && token.kind != .end { throw unexpected("`cert`, `key` or `dhe`") }
    }

    mutating func ephemeralDH() throws(StatementFailure) -> KeyPair.EphemeralDH {
        let location = token.location
        let mode = try string("none, auto or legacy")
        switch Self.lowercased(mode) {
        case "none": return .none
        case "auto": return .auto
        case "legacy": return .legacy
        default: throw fail(at: location, "invalid dhe mode: \(mode)", expected: "none, auto or legacy")
        }
    }

    private mutating func queueStatement() throws(StatementFailure) {
        let location = token.location
        advance()
        if take("compression") {
            result.queue.usesCompression = true
            result.places.compression = location
        } else if take("encryption") {
            result.places.encryption = location
            if take("backup") {
                result.queue.backupEncryption = isString ? try encryptionKey() : .prompt
            } else {
                result.queue.encryption = isString ? try encryptionKey() : .prompt
            }
        } else if take("ttl") {
            result.queue.timeToLive = try delay("a lifetime")
        } else if take("history") {
            result.queue.history = try historySize()
        } else {
            throw unexpected("`compression`, `encryption`, `history` or `ttl`")
        }
    }

    private mutating func historySize() throws(StatementFailure) -> Int64 {
        if take("off") { return 0 }
        let location = token.location
        let bytes = try size("a size")
        guard QueueSettings.historySizes.contains(bytes) else {
            throw fail(at: location, "invalid size of the history: \(bytes) bytes", expected: "64K to 1G, or off")
        }
        return bytes
    }

    /// A key, or where it comes from at start.
    mutating func encryptionKey() throws(StatementFailure) -> QueueSettings.Encryption {
        let location = token.location
        let key = try string("a key of 32 bytes")
        if key == "-" || Self.lowercased(key) == "stdin" { return .standardInput }
        if key.hasPrefix("file:") { return .file(String(key.dropFirst("file:".count))) }
        if key.hasPrefix("credential:") {
            let name = String(key.dropFirst("credential:".count))
            guard !name.isEmpty, !name.hasPrefix("."), !name.utf8.contains(UInt8(ascii: "/")) else {
                throw fail(at: location, "invalid name of a credential: \(name)", expected: "a name without slashes")
            }
            return .credential(name)
        }
        // Checked for real when the queue is opened; said here while the place is known.
        let isHexadecimal = key.utf8.count == 64 && key.allSatisfy(\.isHexDigit)
        if key.utf8.count != 32, !isHexadecimal {
            warn(at: location, "the key for queue encryption has \(key.utf8.count) bytes instead of 32: the queue will not open")
        }
        return .key(key)
    }

    private mutating func smtpStatement() throws(StatementFailure) {
        advance()
        if take("limit") {
            try sessionLimits()
        } else if take("ciphers") {
            result.session.ciphers = try string("a list of ciphers")
        } else if take("max-message-size") {
            result.session.maximumMessageSize = try size("a size")
        } else if take("sub-addr-delim") {
            result.session.subaddressDelimiter = try delimiter()
        } else {
            throw unexpected("`limit`, `ciphers`, `max-message-size` or `sub-addr-delim`")
        }
    }

    mutating func delimiter() throws(StatementFailure) -> UInt8 {
        let location = token.location
        let bytes = Array(try string("a delimiter").utf8)
        guard bytes.count == 1, let byte = bytes.first, byte > 0x20, byte < 0x7F, byte != UInt8(ascii: "@") else {
            throw fail(at: location, "invalid sub-address delimiter", expected: "one printable character other than @")
        }
        return byte
    }

    private mutating func srsStatement() throws(StatementFailure) {
        advance()
        if take("key") {
            if take("backup") {
                let key = try string("a secret")
                if result.srs == nil { result.srs = SRSSettings(key: "") }
                result.srs?.backupKey = key
            } else {
                let key = try string("`backup` or a secret")
                if result.srs == nil { result.srs = SRSSettings(key: key) }
                result.srs?.key = key
            }
        } else if take("ttl") {
            let location = token.location
            let seconds = try delay("a lifetime")
            guard seconds >= 86_400 else { throw fail(at: location, "srs ttl is less than one day", expected: "at least 1d") }
            if result.srs == nil { result.srs = SRSSettings(key: "") }
            result.srs?.timeToLiveDays = Int(seconds / 86_400)
        } else {
            throw unexpected("`key` or `ttl`")
        }
    }

    private mutating func mdaStatement() throws(StatementFailure) {
        advance()
        if take("limit") {
            try mdaLimits()
        } else if take("wrapper") {
            let location = token.location
            let name = try string("the name of the wrapper")
            try checkName(name, "the name of the wrapper", at: location)
            let command = try string("a command")
            guard result.mdaWrappers[name] == nil else { throw fail(at: location, "mda wrapper already declared: \(name)") }
            result.mdaWrappers[name] = command
        } else {
            throw unexpected("`limit` or `wrapper`")
        }
    }

    private mutating func mtaStatement() throws(StatementFailure) {
        advance()
        if take("max-deferred") {
            result.mta.maximumDeferred = try number("a number", in: 0...Self.maximumLimit)
        } else if take("limit") {
            try mtaLimits()
        } else {
            throw unexpected("`max-deferred` or `limit`")
        }
    }
}
