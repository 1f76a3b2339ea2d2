import Envelopes

/// One message on its way through a ``ClientSession``.
struct ClientTransaction: Sendable {
    enum Command: Hashable, Sendable {
        case mail
        /// The index of the recipient.
        case rcpt(Int)
        case data
        /// BDAT with a piece that is not the last.
        case chunk
        /// BDAT LAST, with the end of the message.
        case lastChunk
    }

    enum Phase: Sendable {
        /// Commands go out, or their replies are awaited.
        case commands
        /// The message goes out behind DATA.
        case data(ContentEncoder)
        /// The message goes out in chunks; replies to earlier ones, and to commands in front of them, may be
        /// under way.
        case chunks(ContentEncoder, collected: [UInt8])
        /// The message has ended. For LMTP each accepted recipient gets a reply, in order.
        case awaitingVerdicts
        /// The server wants data though it took no recipient; it gets none (RFC 2920 section 3.1).
        case awaitingEmptyVerdict
    }

    /// Commands sent ahead of their replies; bounded, so that neither side's buffers fill up while both
    /// write (RFC 2920 section 3.1).
    static let window = 50
    /// Octets of a chunk; servers may have to hold one in memory.
    static let chunkSize = 256 << 10
    /// Octets of a message that is sent before the server has said whether it takes a recipient. All of it
    /// fits one chunk and the usual buffers of a connection.
    static let eagerSize: Int64 = 48 << 10

    let message: OutgoingMessage
    var phase = Phase.commands
    /// Commands not sent yet.
    var unsent: ArraySlice<Command>
    /// Commands without a reply yet.
    var unanswered: [Command] = []
    /// MAIL was accepted: the server holds a transaction.
    var isOpen = false
    /// Recipients accepted and without a result, in order.
    var accepted: [Int] = []
    /// Recipients not decided on.
    var undecided: [Int]
    let isPipelining: Bool
    let isChunking: Bool
    /// The message follows its commands at once, in one chunk.
    let isEager: Bool
    /// The end of the message was sent: the server may have it whole.
    var isSent = false

    /// Commands that are sent in one piece with the message that follows.
    var head: [UInt8] = []

    /// The commands to put in front of a chunk, the first time.
    mutating func takeHead() -> [UInt8] {
        defer { head = [] }
        return head
    }

    /// Recipients that have no result.
    var openRecipients: [Int] { (accepted + undecided).sorted() }

    var takesContent: Bool {
        switch phase {
        case .data, .chunks: true
        case .commands, .awaitingVerdicts, .awaitingEmptyVerdict: false
        }
    }

    var maySendCommands: Bool {
        guard case .commands = phase, !unsent.isEmpty else { return false }
        return isPipelining ? unanswered.count < Self.window / 2 : unanswered.isEmpty
    }

    /// RFC 5321 section 4.5.3.2.
    var timeoutSeconds: Int64 {
        switch phase {
        case .commands: isSent ? 600 : unanswered == [.data] ? 120 : 300
        case .data, .chunks: 180
        case .awaitingVerdicts, .awaitingEmptyVerdict: 600
        }
    }
}
