import Envelopes
import EventLoop
import Platform
import SMTPProtocol

/// A message that deliveries of it share while any of them is under way.
@EventLoopActor
final class QueuedMessage {
    let transaction: Transaction
    let body: Body

    enum Body {
        case inline([UInt8])
        case file(BodyFile)
    }

    init(transaction: Transaction, body: Body) {
        self.transaction = transaction
        self.body = body
    }

    var isInFile: Bool { if case .file = body { true } else { false } }

    // MARK: What relays find out about it, once for all of them

    struct Survey {
        var finding: ContentSurvey.Finding
        /// Octets on the wire.
        var size: Int64
    }

    var survey: Survey?
    private var counts: ContentCounts?

    /// Of a body that is at hand.
    func counts(of bytes: [UInt8]) -> ContentCounts {
        if let counts { return counts }
        let found = ContentCounts(bytes.span)
        counts = found
        return found
    }
}

/// The file of a big message, closed with the last delivery that needs it.
final class BodyFile: Sendable {
    let descriptor: OwnedDescriptor
    let size: UInt64

    init(descriptor: consuming OwnedDescriptor, size: UInt64) {
        self.descriptor = descriptor
        self.size = size
    }
}
