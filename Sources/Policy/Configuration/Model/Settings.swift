/// Global settings and limits with their defaults (smtpd.conf(5)).

package struct QueueSettings: Hashable, Sendable {
    /// Seconds a message is tried: 4 days.
    package var timeToLive: Int64 = 4 * 86_400
    package var usesCompression = false
    /// The key of what is written from now on.
    package var encryption: Encryption?
    /// The key of what was written before, where that was another.
    package var backupEncryption: Encryption?
    /// Delays in seconds after which the sender is told that a message still waits; at most 4.
    package var bounceWarnIntervals: [Int64] = [4 * 3_600]

    /// Bytes that the history of what became of messages may take: 16 MiB; zero for none.
    package var history: Int64 = 16 * 1_048_576

    package static let historySizes: ClosedRange<Int64> = 64 << 10 ... 1 << 30

    package enum Encryption: Hashable, Sendable {
        /// Asked for on the terminal at start.
        case prompt
        /// One line from standard input at start.
        case standardInput
        /// 32 bytes, or 64 hexadecimal digits.
        case key(String)
        /// In a file, read at start.
        case file(String)
        /// A credential of this name from the service manager.
        case credential(String)

        /// The same for whoever need not know the key.
        package var withoutSecret: Encryption {
            if case .key = self { .key("") } else { self }
        }
    }
    package init() {}
}

/// Every limit of an SMTP session, in one place.
package struct SessionSettings: Hashable, Sendable {
    /// Bytes of one message: 35 MiB.
    package var maximumMessageSize: Int64 = 35 * 1_048_576
    /// Recipients of one transaction.
    package var maximumRecipients = 1_000
    /// Transactions of one session.
    package var maximumMails = 100
    /// Commands refused for their syntax or order that one session may give.
    package var maximumBadCommands = 20
    /// Recipients refused for good that one session may name.
    package var maximumRefusedRecipients = 50
    /// Commands that bring no mail nearer, such as NOOP, since the session's last message.
    package var maximumIdleCommands = 100
    /// Failed attempts to authenticate; this one ends the session.
    package var maximumAuthenticationTries = 5
    /// Octets of a command line with its line end; at least 512 (RFC 5321 section 4.5.3.1.4).
    package var maximumCommandLine = 2_048
    /// Octets of a line of a message with its line end; at least 1,000 (RFC 5321 section 4.5.3.1.6).
    package var maximumTextLine = 65_535
    /// Octets of the header section of a message.
    package var maximumHeaderSize = 1_048_576
    /// `Received` fields from which on a message is taken to run in circles; at least 50.
    package var maximumHops = 100
    /// Sessions open at once; 0 for as many as descriptors allow.
    package var maximumSessions = 0
    /// Sessions open at once of one client network: an IPv4 address or the /64 of an IPv6 one. 0 for any number;
    /// clients of this machine are not counted.
    package var maximumSessionsPerClient = 100
    /// New connections of one client network within a minute; counted in the same way.
    package var maximumConnectionsPerMinute = 600
    /// Seconds without a whole command, or without enough of a message (``minimumRate``).
    package var idleSeconds = 300
    /// Octets a second that a message must come in at, averaged over ``idleSeconds``.
    package var minimumRate = 100
    /// Failed authentications of one client network in ten minutes; 0 for no limit.
    package var maximumAuthenticationFailures = 30
    /// TLS handshakes that go on at once; others wait for their turn.
    package var maximumHandshakes = 256
    /// The same of one client network.
    package var maximumHandshakesPerClient = 32
    /// Seconds that a handshake may take, waiting included.
    package var handshakeSeconds = 60
    /// Set by `smtp ciphers`.
    package var ciphers: String?
    package var subaddressDelimiter: UInt8 = UInt8(ascii: "+")
    package init() {}
}

package struct SchedulerLimits: Hashable, Sendable {
    package var maximumInflight = 5_000
    package var maximumSchedule = 10
    package var maximumEnvelopeBatch = 256
    package var maximumMessageBatch = 1_024
    package init() {}
}

package struct MDALimits: Hashable, Sendable {
    package var maximumSessions = 50
    package var maximumSessionsPerUser = 7
    package var taskHighWater = 50
    package var taskLowWater = 30
    package var taskRelease = 10
    package init() {}
}

package struct MTASettings: Hashable, Sendable {
    package var maximumDeferred = 100
    package var limits = MTALimits()
    package var limitsByDomain: [String: MTALimits] = [:]
    /// The same for relays to a host the operator names, which has defaults of its own.
    package var smarthostLimits = MTALimits.forSmarthosts
    package var smarthostLimitsByDomain: [String: MTALimits] = [:]
    package init() {}
}

package struct MTALimits: Hashable, Sendable {
    package var families: Listener.Families = .any
    package var connectionsPerHost = 10
    package var connectionsPerRoute = 5
    package var connectionsPerSource = 100
    package var connectionsPerConnector = 20
    package var connectionsPerRelay = 100
    package var connectionsPerDomain = 100
    /// Delays in seconds.
    package var connectionDelayHost = 0
    package var connectionDelayRoute = 5
    package var connectionDelaySource = 0
    package var connectionDelayConnector = 0
    package var connectionDelayRelay = 2
    package var connectionDelayDomain = 0
    package var reconnectionDelayRoute = 3
    package var mailsPerSession = 100
    package var transactionDelay = 0
    package var keepalive = 10
    package var maximumFailuresPerSession = 25
    package var taskHighWater = 50
    package var taskLowWater = 30
    package var taskRelease = 10
    package init() {}

    /// A smarthost is there to take our mail: it is not spared as strangers are.
    package static var forSmarthosts: MTALimits {
        var limits = MTALimits()
        limits.connectionsPerHost = 100
        limits.connectionsPerRoute = 100
        limits.connectionsPerConnector = 100
        limits.connectionDelayRoute = 0
        limits.connectionDelayRelay = 0
        limits.reconnectionDelayRoute = 0
        limits.taskHighWater = 1_000
        limits.taskLowWater = 600
        limits.taskRelease = 200
        return limits
    }
}

package struct SRSSettings: Hashable, Sendable {
    package var key: String
    package var backupKey: String?
    /// Days.
    package var timeToLiveDays = 4
    package init(key: String) { self.key = key }
}
