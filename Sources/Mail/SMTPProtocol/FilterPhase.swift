/// A moment of a session at which filters are asked before the server goes on (smtpd-filters(7)).
///
/// Each is a command of the client, but for the first, which is the connection itself, and two within a message:
/// its lines, and its end, before it is made durable.
package enum FilterPhase: UInt8, Hashable, Sendable, CaseIterable {
    case connect = 1
    case helo
    case ehlo
    case startTLS
    case auth
    case mailFrom
    case rcptTo
    case data
    case dataLine
    case commit
    case rset
    case quit
    case noop
    case help
    case wiz
    /// A command that the server does not know, which milters may want to hear of; no phase of filter programs.
    case unknown

    /// The word in the protocol of filters and in smtpd.conf(5).
    package var word: String {
        switch self {
        case .connect: "connect"
        case .helo: "helo"
        case .ehlo: "ehlo"
        case .startTLS: "starttls"
        case .auth: "auth"
        case .mailFrom: "mail-from"
        case .rcptTo: "rcpt-to"
        case .data: "data"
        case .dataLine: "data-line"
        case .commit: "commit"
        case .rset: "rset"
        case .quit: "quit"
        case .noop: "noop"
        case .help: "help"
        case .wiz: "wiz"
        case .unknown: "unknown"
        }
    }

    /// The phase of a word, as filter programs and configurations name it; nil for any other.
    package init?(word: some Sequence<UInt8>) {
        guard let phase = Self.allCases.first(where: { $0.word.utf8.elementsEqual(word) }), phase != .unknown else { return nil }
        self = phase
    }
}

/// What filters are asked: may the client do this?
package struct FilterQuestion: Hashable, Sendable {
    package var phase: FilterPhase
    /// What the client gave with its command: a name, the argument of AUTH, or an address without its brackets and
    /// without parameters; the whole line of a command that is unknown. A line of text at most, never a line end. Empty where there is none.
    package var argument: [UInt8]
    /// The parameters of MAIL and RCPT, such as `SIZE=1000`.
    package var parameters: [[UInt8]]

    package init(_ phase: FilterPhase, argument: [UInt8] = [], parameters: [[UInt8]] = []) {
        self.phase = phase
        self.argument = argument
        self.parameters = parameters
    }
}

/// What becomes of a ``FilterQuestion`` when all filters of a session have been asked.
package enum PhaseVerdict: Hashable, Sendable {
    /// The server goes on; `isJunk` marks the message, or before MAIL all messages of the session.
    case proceed(isJunk: Bool)
    /// The server goes on as if the client had said this instead.
    case rewrite([UInt8])
    /// The client gets this reply; code 421 ends the session, and so does any refusal of the connection.
    case refuse(Reply)
    /// The client gets this reply, and the session ends.
    case disconnect(Reply)

    package static let proceed = PhaseVerdict.proceed(isJunk: false)
}
