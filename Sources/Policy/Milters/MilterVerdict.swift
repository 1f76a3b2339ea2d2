import SMTPProtocol

/// What becomes of the step that a milter was asked about.
package enum MilterVerdict: Hashable, Sendable {
    case proceed
    /// The client gets this reply. At ``MilterStage/connect`` and ``MilterStage/helo`` it holds for whatever the
    /// client asks from now on, at ``MilterStage/recipient`` for the one recipient, else for the message.
    case refuse(Reply)
    /// The client is told that its message is taken, and nobody gets it.
    case discard

    /// For a milter that refuses without words.
    static let refusal = MilterVerdict.refuse(Reply(550, "5.7.1", "Command rejected"))
    /// For one that cannot decide now, and for one that is not there.
    package static let temporaryRefusal = MilterVerdict.refuse(
        Reply(451, "4.7.1", "Service unavailable - try again later"))
    /// Code 421 ends the session.
    static let shutDown = MilterVerdict.refuse(Reply(421, "4.7.0", "Service unavailable - closing connection"))
}

/// What was heard from a milter.
package enum MilterNews: Hashable, Sendable {
    /// It has answered the offer.
    case met
    /// It still works: whoever waits for its verdict begins to wait anew.
    case progress
    /// To be kept until the verdict on the message, and carried out when that is to proceed.
    case change(MessageChange)
    case verdict(MilterVerdict)
}

/// What a milter is told of a session.
package enum MilterEvent: Hashable, Sendable {
    case connect(host: [UInt8], MilterPeer)
    case helo([UInt8])
    /// A sender that this server accepts: the path in brackets, and parameters.
    case mail([UInt8], arguments: [[UInt8]])
    case recipient([UInt8], arguments: [[UInt8]])
    case data
    /// A field of the header: the value is all behind the colon, lines ended by LF, without the last line end.
    case header(name: [UInt8], value: [UInt8])
    case endOfHeader
    /// A piece of the body, as ``WireBody`` makes it.
    case body([UInt8])
    case endOfMessage
    /// A command that this server does not know or refuses for its order.
    case unknown([UInt8])

    package var stage: MilterStage {
        switch self {
        case .connect: .connect
        case .helo: .helo
        case .mail: .mail
        case .recipient: .recipient
        case .data: .data
        case .header: .header
        case .endOfHeader: .endOfHeader
        case .body: .body
        case .endOfMessage: .endOfMessage
        case .unknown: .unknown
        }
    }
}
