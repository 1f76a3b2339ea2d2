// Key and number pairs of `limit` statements, the same in both grammars but for their heads.
extension ConfigurationParser {
    /// The most any limit may be: what fits 31 bits, as the old daemons stored it.
    static let maximumLimit = Int(Int32.max)

    /// Takes pairs until something else comes; there may be none.
    private mutating func pairs(
        of what: String, _ key: (String) -> Bool, _ set: (inout Configuration, String, Int) -> Void
    ) throws(StatementFailure) {
        while isString {
            let location = token.location
            let name = try string("a limit")
            guard key(name) else { throw fail(at: location, "invalid \(what) limit keyword: \(name)") }
            let value = try number("a number for \(name)", in: 0...Self.maximumLimit)
            set(&result, name, value)
        }
    }

    private mutating func pairs<Root>(
        of what: String, at root: WritableKeyPath<Configuration, Root>, _ keys: [String: WritableKeyPath<Root, Int>]
    ) throws(StatementFailure) {
        try pairs(of: what, { keys[$0] != nil }) { result, name, value in
            if let path = keys[name] { result[keyPath: root.appending(path: path)] = value }
        }
    }

    mutating func schedulerLimits() throws(StatementFailure) {
        try pairs(
            of: "scheduler", at: \.scheduler,
            [
                "max-inflight": \.maximumInflight, "max-schedule": \.maximumSchedule,
                "max-evp-batch-size": \.maximumEnvelopeBatch, "max-msg-batch-size": \.maximumMessageBatch,
            ])
    }

    mutating func mdaLimits() throws(StatementFailure) {
        try pairs(
            of: "mda", at: \.mda,
            [
                "max-session": \.maximumSessions, "max-session-per-user": \.maximumSessionsPerUser,
                "task-hiwat": \.taskHighWater, "task-lowat": \.taskLowWater, "task-release": \.taskRelease,
            ])
    }

    mutating func sessionLimits() throws(StatementFailure) {
        try pairs(
            of: "session", at: \.session,
            [
                "max-rcpt": \.maximumRecipients, "max-mails": \.maximumMails,
                "max-bad-commands": \.maximumBadCommands, "max-refused-rcpt": \.maximumRefusedRecipients,
                "max-session": \.maximumSessions, "max-session-per-client": \.maximumSessionsPerClient,
                "max-connections-per-minute": \.maximumConnectionsPerMinute, "idle-timeout": \.idleSeconds,
                "min-rate": \.minimumRate, "max-auth-failures": \.maximumAuthenticationFailures,
                "max-handshakes": \.maximumHandshakes, "max-handshakes-per-client": \.maximumHandshakesPerClient,
                "handshake-timeout": \.handshakeSeconds, "max-idle-commands": \.maximumIdleCommands,
                "max-auth-tries": \.maximumAuthenticationTries, "max-command-line": \.maximumCommandLine,
                "max-text-line": \.maximumTextLine, "max-header-size": \.maximumHeaderSize, "max-hops": \.maximumHops,
            ])
        // A wait of no length would end every session at once.
        result.session.idleSeconds = max(1, result.session.idleSeconds)
        result.session.handshakeSeconds = max(1, result.session.handshakeSeconds)
        result.session.maximumAuthenticationTries = max(1, result.session.maximumAuthenticationTries)
        // What the standards ask every server to take (RFC 5321 sections 4.5.3.1 and 6.3).
        result.session.maximumCommandLine = max(512, result.session.maximumCommandLine)
        result.session.maximumTextLine = max(1_000, result.session.maximumTextLine)
        result.session.maximumHeaderSize = max(65_536, result.session.maximumHeaderSize)
        result.session.maximumHops = max(50, result.session.maximumHops)
    }

    /// `[for domain NAME] { inet4 | inet6 | KEY NUMBER }`. What is said holds for strangers and smarthosts; only
    /// where nothing is said they have defaults of their own.
    mutating func mtaLimits() throws(StatementFailure) {
        var domain: String?
        if take("for") {
            try require("domain")
            domain = Self.lowercased(try string("the domain of these limits"))
        }
        let changes = try mtaLimitChanges()
        func changed(_ limits: MTALimits) -> MTALimits {
            var limits = limits
            for change in changes { change.apply(to: &limits) }
            return limits
        }
        if let domain {
            // A record starts as a copy of what holds for all at this place of the file.
            let mta = result.mta
            result.mta.limitsByDomain[domain] = changed(mta.limitsByDomain[domain] ?? mta.limits)
            result.mta.smarthostLimitsByDomain[domain] = changed(mta.smarthostLimitsByDomain[domain] ?? mta.smarthostLimits)
        } else {
            result.mta.limits = changed(result.mta.limits)
            result.mta.smarthostLimits = changed(result.mta.smarthostLimits)
        }
    }

    private enum MTALimitChange {
        case families(Listener.Families)
        case number(WritableKeyPath<MTALimits, Int>, Int)

        func apply(to limits: inout MTALimits) {
            switch self {
            case .families(let families): limits.families = families
            case .number(let path, let value): limits[keyPath: path] = value
            }
        }
    }

    private mutating func mtaLimitChanges() throws(StatementFailure) -> [MTALimitChange] {
        var changes: [MTALimitChange] = []
        while true {
            if take("inet4") {
                changes.append(.families(.v4))
            } else if take("inet6") {
                changes.append(.families(.v6))
            } else if isString {
                let location = token.location
                let name = try string("a limit")
                guard let path = Self.mtaKeys(generation)[name] else {
                    throw fail(at: location, "invalid mta limit keyword: \(name)")
                }
                changes.append(.number(path, try number("a number for \(name)", in: 0...Self.maximumLimit)))
            } else {
                return changes
            }
        }
    }

    private static func mtaKeys(_ generation: Generation) -> [String: WritableKeyPath<MTALimits, Int>] {
        var keys: [String: WritableKeyPath<MTALimits, Int>] = [
            "max-conn-per-host": \.connectionsPerHost, "max-conn-per-route": \.connectionsPerRoute,
            "max-conn-per-source": \.connectionsPerSource, "max-conn-per-connector": \.connectionsPerConnector,
            "max-conn-per-relay": \.connectionsPerRelay, "max-conn-per-domain": \.connectionsPerDomain,
            "conn-delay-host": \.connectionDelayHost, "conn-delay-route": \.connectionDelayRoute,
            "conn-delay-source": \.connectionDelaySource, "conn-delay-connector": \.connectionDelayConnector,
            "conn-delay-relay": \.connectionDelayRelay, "conn-delay-domain": \.connectionDelayDomain,
            "reconn-delay-route": \.reconnectionDelayRoute, "session-mail-max": \.mailsPerSession,
            "session-transaction-delay": \.transactionDelay, "session-keepalive": \.keepalive,
            "task-hiwat": \.taskHighWater, "task-lowat": \.taskLowWater, "task-release": \.taskRelease,
        ]
        if generation == .match { keys["max-failures-per-session"] = \.maximumFailuresPerSession }
        return keys
    }
}
