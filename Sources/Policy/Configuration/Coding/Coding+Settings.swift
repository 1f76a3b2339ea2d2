// Settings and limits.

extension QueueSettings: BinaryRecord {
    static var blank: QueueSettings { QueueSettings() }
    static var fields: [BinaryField<Self>] {
        [
            .init(\.timeToLive), .init(\.usesCompression), .init(\.encryption), .init(\.backupEncryption),
            .init(\.bounceWarnIntervals), .init(\.history),
        ]
    }
}

extension QueueSettings.Encryption: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        switch self {
        case .prompt: bytes.append(1)
        case .standardInput: bytes.append(2)
        case .key(let key):
            bytes.append(3)
            key.encode(into: &bytes)
        case .file(let path):
            bytes.append(4)
            path.encode(into: &bytes)
        case .credential(let name):
            bytes.append(5)
            name.encode(into: &bytes)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.byte() {
        case 1: self = .prompt
        case 2: self = .standardInput
        case 3: self = .key(try String(from: &reader))
        case 4: self = .file(try String(from: &reader))
        case 5: self = .credential(try String(from: &reader))
        default: throw .invalidValue
        }
    }
}

extension SessionSettings: BinaryRecord {
    static var blank: SessionSettings { SessionSettings() }
    static var fields: [BinaryField<Self>] {
        [
            .init(\.maximumMessageSize), .init(\.maximumRecipients), .init(\.maximumMails), .init(\.ciphers),
            .init(\.subaddressDelimiter), .init(\.maximumBadCommands), .init(\.maximumRefusedRecipients),
            .init(\.maximumSessions), .init(\.maximumSessionsPerClient), .init(\.maximumConnectionsPerMinute),
            .init(\.idleSeconds), .init(\.minimumRate),
            .init(\.maximumAuthenticationFailures),
            .init(\.maximumHandshakes), .init(\.maximumHandshakesPerClient), .init(\.handshakeSeconds),
            .init(\.maximumIdleCommands), .init(\.maximumAuthenticationTries), .init(\.maximumCommandLine),
            .init(\.maximumTextLine), .init(\.maximumHeaderSize), .init(\.maximumHops),
        ]
    }
}

extension SchedulerLimits: BinaryRecord {
    static var blank: SchedulerLimits { SchedulerLimits() }
    static var fields: [BinaryField<Self>] {
        [.init(\.maximumInflight), .init(\.maximumSchedule), .init(\.maximumEnvelopeBatch), .init(\.maximumMessageBatch)]
    }
}

extension MDALimits: BinaryRecord {
    static var blank: MDALimits { MDALimits() }
    static var fields: [BinaryField<Self>] {
        [
            .init(\.maximumSessions), .init(\.maximumSessionsPerUser), .init(\.taskHighWater), .init(\.taskLowWater),
            .init(\.taskRelease),
        ]
    }
}

extension MTASettings: BinaryRecord {
    static var blank: MTASettings { MTASettings() }
    static var fields: [BinaryField<Self>] {
        [
            .init(\.maximumDeferred), .init(\.limits), .init(\.limitsByDomain), .init(\.smarthostLimits),
            .init(\.smarthostLimitsByDomain),
        ]
    }
}

extension MTALimits: BinaryRecord {
    static var blank: MTALimits { MTALimits() }
    static var fields: [BinaryField<Self>] {
        [
            .init(\.families), .init(\.connectionsPerHost), .init(\.connectionsPerRoute), .init(\.connectionsPerSource),
            .init(\.connectionsPerConnector), .init(\.connectionsPerRelay), .init(\.connectionsPerDomain),
            .init(\.connectionDelayHost), .init(\.connectionDelayRoute), .init(\.connectionDelaySource),
            .init(\.connectionDelayConnector), .init(\.connectionDelayRelay), .init(\.connectionDelayDomain),
            .init(\.reconnectionDelayRoute), .init(\.mailsPerSession), .init(\.transactionDelay), .init(\.keepalive),
            .init(\.maximumFailuresPerSession), .init(\.taskHighWater), .init(\.taskLowWater), .init(\.taskRelease),
        ]
    }
}

extension SRSSettings: BinaryRecord {
    static var blank: SRSSettings { SRSSettings(key: "") }
    static var fields: [BinaryField<Self>] { [.init(\.key), .init(\.backupKey), .init(\.timeToLiveDays)] }
}
