import Envelopes
import EventLoop
import MailSyntax
import Platform
import SMTPProtocol

/// Who a message is from, for one relay.
struct RelaySender {
    var reversePath: ReversePath
    /// Takes the place of the senders in the header, too.
    var replacement: MailAddress?
}

/// A message as one server gets it, piece by piece: its header made fit for the world, and its bodies for the server.
@EventLoopActor
struct RelayContent {
    /// Octets read of a file at once.
    private static let piece = 128 << 10
    /// Pieces of a survey between which others have their turn.
    private static let surveyed = 8

    /// Octets on the wire, as well as they are known.
    let size: Int64
    /// Eight bits where they could not be made seven, which the server must then take.
    let type: BodyType
    private let body: QueuedMessage.Body
    private var header: OutgoingHeader
    private var converter: ContentConverter?
    private var offset: UInt64 = 0
    private var hasEnded = false

    /// - Parameter name: This server's name, for addresses without a domain when the message has no better one.
    init(_ message: QueuedMessage, sender: RelaySender, for server: ServerCapabilities, isLMTP: Bool, _ name: String) async {
        body = message.body
        let domain =
            (try? Domain(validating: Array(message.transaction.serverName.utf8))) ?? (try? Domain(validating: Array(name.utf8)))
        header = OutgoingHeader(domain: domain, sender: sender.replacement)
        var type = message.transaction.body
        var size: Int64
        switch message.body {
        case .inline(let bytes):
            let counts = message.counts(of: bytes)
            size = Int64(bytes.count + counts.lines)
            type = counts.hasEightBits ? .eightBitMIME : .sevenBit
        case .file(let file):
            size = Int64(clamping: file.size)
        }
        // Not even a declaration is believed: what the server cannot take must not reach it.
        let mustLook = !server.eightBitMIME && !isLMTP
        if mustLook, type != .sevenBit || message.isInFile {
            let survey = await Self.survey(message)
            switch survey.finding {
            case .sevenBit: type = .sevenBit
            case .convertible(let plan):
                type = .sevenBit
                converter = ContentConverter(plan)
            case .fixed: type = .eightBitMIME
            }
            size = survey.size
        }
        self.size = size
        self.type = type
    }

    /// More than a piece or two.
    var isLarge: Bool { if case .file = body { true } else { false } }

    /// The next piece, lines ended by LF; nil behind the last.
    mutating func next() throws(SystemError) -> [UInt8]? {
        while !hasEnded {
            var piece: [UInt8]
            if let bytes = try Self.read(body, at: offset) {
                offset += UInt64(bytes.count)
                piece = header.take(bytes)
                piece = converter?.take(piece) ?? piece
            } else {
                hasEnded = true
                piece = header.finish()
                if converter != nil { piece = (converter?.take(piece) ?? []) + (converter?.finish() ?? []) }
            }
            if !piece.isEmpty { return piece }
        }
        return nil
    }

    /// Nil at the end. A file that has become shorter is an error: what was sent of it is no message.
    private static func read(_ body: QueuedMessage.Body, at offset: UInt64) throws(SystemError) -> [UInt8]? {
        switch body {
        case .inline(let bytes):
            return offset == 0 && !bytes.isEmpty ? bytes : nil
        case .file(let file):
            guard offset < file.size else { return nil }
            let count = Int(min(UInt64(piece), file.size - offset))
            let bytes = try Files.readSome(file.descriptor, at: Int(clamping: offset), count: count)
            guard !bytes.isEmpty else { throw SystemError("read: the message is cut off", code: 0) }
            return bytes
        }
    }

    private static func survey(_ message: QueuedMessage) async -> QueuedMessage.Survey {
        if let known = message.survey { return known }
        var survey = ContentSurvey()
        var offset: UInt64 = 0
        var pieces = 0
        // What cannot be read is found out again when it is sent.
        while let bytes = try? read(message.body, at: offset) {
            survey.take(bytes)
            offset += UInt64(bytes.count)
            pieces += 1
            if pieces % surveyed == 0 { await Task.yield() }
        }
        let finding = survey.finish()
        let result = QueuedMessage.Survey(finding: finding, size: survey.wireSize)
        message.survey = result
        return result
    }
}
