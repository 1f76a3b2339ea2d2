import Configuration
import MailSyntax
import SMTPProtocol

/// A moment as filters are told it: seconds since 1970 and microseconds.
package struct FilterTime: Hashable, Sendable {
    package var seconds: Int64
    /// 0 to 999,999.
    package var microseconds: Int32

    package init(seconds: Int64, microseconds: Int32) {
        self.seconds = seconds
        self.microseconds = min(max(microseconds, 0), 999_999)
    }

    /// Appends `SECONDS.MICROSECONDS`, six digits behind the dot.
    func append(onto line: inout [UInt8]) {
        line += String(seconds).utf8
        line.append(UInt8(ascii: "."))
        var unit: Int32 = 100_000
        while unit > 0 {
            line.append(0x30 + UInt8(truncatingIfNeeded: microseconds / unit % 10))
            unit /= 10
        }
    }
}

/// Which sessions a filter hears of.
package enum FilterSubsystem: String, Hashable, Sendable, CaseIterable {
    /// Those of clients.
    case incoming = "smtp-in"
    /// Those with other servers, of actions with `filter`: reports alone.
    case outgoing = "smtp-out"

    init?(word: some Sequence<UInt8>) {
        guard let found = Self.allCases.first(where: { $0.rawValue.utf8.elementsEqual(word) }) else { return nil }
        self = found
    }
}

/// What a filter program is told before it registers (smtpd-filters(7)).
package struct FilterIntroduction: Hashable, Sendable {
    /// Of this program, for the log of the filter.
    package var version: String
    /// Seconds a session may be silent.
    package var sessionTimeout: Int64
    package var subsystems: Set<FilterSubsystem>
    /// `admd`: the name for authentication results.
    package var admd: String
    package var spoken: FilterProcess.ProtocolVersion

    package init(
        version: String, sessionTimeout: Int64, subsystems: Set<FilterSubsystem>, admd: String,
        spoken: FilterProcess.ProtocolVersion = .current
    ) {
        self.spoken = spoken
        self.version = version
        self.sessionTimeout = sessionTimeout
        self.subsystems = subsystems
        self.admd = admd
    }

    /// The lines, each ended by LF.
    package var bytes: [UInt8] {
        var lines = ["smtpd-version|\(version)", "protocol|\(spoken.text)", "smtp-session-timeout|\(sessionTimeout)"]
        for subsystem in FilterSubsystem.allCases where subsystems.contains(subsystem) {
            lines.append("subsystem|\(subsystem.rawValue)")
        }
        lines += ["admd|\(admd)", "ready"]
        return lines.flatMap { Array("config|\($0)\n".utf8) }
    }
}

/// The lines that filter programs are sent, each ended by LF.
///
/// Fields are separated by `|`, and only the last of a line may hold one: a `|` in any other, and a control character in
/// all, becomes `?`, so that nobody who names himself can give a line more fields.
///
/// Every line names the version whose order its fields have. Programs that do not look at it want the one that they were
/// written for (`protocol` in smtpd.conf(5)).
package enum FilterLines {
    /// `filter|VERSION|TIME|smtp-in|PHASE|SESSION|TOKEN|PARAMETERS`.
    package static func question(
        _ question: FilterQuestion, _ facts: FilterFacts, token: UInt64, at time: FilterTime,
        in version: FilterProcess.ProtocolVersion = .current
    ) -> [UInt8] {
        var line = prefix(question.phase, session: facts.session, token: token, at: time, in: version)
        switch question.phase {
        case .connect:
            append(facts.client.reverseName.utf8, onto: &line)
            line.append(separator)
            append(facts.client.source.text.utf8, onto: &line, isLast: true)
        case .helo, .ehlo, .startTLS, .auth, .mailFrom, .rcptTo, .data, .dataLine, .commit, .rset, .quit, .noop, .help, .wiz,
            .unknown:
            append(question.argument, onto: &line, isLast: true)
        }
        line.append(0x0A)
        return line
    }

    /// What stands before each line of content.
    package static func contentPrefix(
        session: UInt64, token: UInt64, at time: FilterTime, in version: FilterProcess.ProtocolVersion = .current
    ) -> [UInt8] {
        prefix(.dataLine, session: session, token: token, at: time, in: version)
    }

    private static func prefix(
        _ phase: FilterPhase, session: UInt64, token: UInt64, at time: FilterTime, in version: FilterProcess.ProtocolVersion
    ) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(128)
        line += "filter|".utf8
        line += version.text.utf8
        line.append(separator)
        time.append(onto: &line)
        line += "|smtp-in|".utf8
        line += phase.word.utf8
        line.append(separator)
        appendHexadecimal(session, 16, onto: &line)
        line.append(separator)
        appendHexadecimal(token, 16, onto: &line)
        line.append(separator)
        return line
    }

    /// Sixteen hexadecimal digits.
    package static func digits(_ value: UInt64) -> [UInt8] { hexadecimal(value, 16) }

    static func hexadecimal(_ value: UInt64, _ count: Int) -> [UInt8] {
        var digits: [UInt8] = []
        digits.reserveCapacity(count)
        appendHexadecimal(value, count, onto: &digits)
        return digits
    }

    static func appendHexadecimal(_ value: UInt64, _ count: Int, onto line: inout [UInt8]) {
        for index in 0..<count {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(4 * (count - 1 - index))) & 0x0F
            line.append(digit < 10 ? 0x30 + digit : 0x61 + digit - 10)
        }
    }

    /// What stands before the first separator, and what behind it; nil for that when there is none.
    static func cut(_ line: ArraySlice<UInt8>) -> (field: ArraySlice<UInt8>, rest: ArraySlice<UInt8>?) {
        guard let bar = line.firstIndex(of: separator) else { return (line, nil) }
        return (line[..<bar], line[(bar + 1)...])
    }

    static let separator = UInt8(ascii: "|")

    /// Appends text of others as a field.
    static func append(_ field: some Sequence<UInt8>, onto line: inout [UInt8], isLast: Bool = false) {
        for byte in field {
            let isHarmful = byte < 0x20 && byte != 0x09 || byte == 0x7F || (byte == separator && !isLast)
            line.append(isHarmful ? UInt8(ascii: "?") : byte)
        }
    }
}
