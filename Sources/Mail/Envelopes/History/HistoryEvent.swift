import MailSyntax

/// Something that happened to a message: one line of the history that `smtpctl history` shows.
///
/// An event says enough to be understood alone, since older ones are forgotten: an outcome names the recipient again.
package struct HistoryEvent: Hashable, Sendable {
    package var time: Timestamp
    package var message: MessageID
    package var kind: Kind

    package enum Kind: Hashable, Sendable {
        /// The message is on stable storage.
        case accepted(Acceptance)
        /// An envelope of it, directly behind its acceptance.
        case queued(number: UInt32, Recipient)
        /// What became of an envelope, for now or for good.
        case outcome(number: UInt32, Outcome, to: String, text: String)
    }

    /// Who brought a message.
    package struct Acceptance: Hashable, Sendable {
        /// Empty for the null sender.
        package var sender: String
        /// With its angle brackets, empty for none.
        package var messageID: String
        /// As ``ClientSource/text`` has it.
        package var source: String
        /// The name it authenticated as, or `uid N` of a local program; empty for none.
        package var user: String
        /// Octets of the message.
        package var size: Int64

        package init(sender: String, messageID: String, source: String, user: String, size: Int64) {
            self.sender = HistoryEvent.bounded(sender)
            self.messageID = HistoryEvent.bounded(messageID)
            self.source = HistoryEvent.bounded(source)
            self.user = HistoryEvent.bounded(user)
            self.size = max(0, min(size, HistoryEvent.maximumSize))
        }
    }

    /// For whom an envelope is.
    package struct Recipient: Hashable, Sendable {
        /// Where it goes.
        package var destination: String
        /// As the client named it; empty where that is the same.
        package var given: String
        package var action: String

        package init(destination: String, given: String, action: String) {
            self.destination = HistoryEvent.bounded(destination)
            self.given = given == destination ? "" : HistoryEvent.bounded(given)
            self.action = HistoryEvent.bounded(action)
        }
    }

    package enum Outcome: UInt8, Hashable, Sendable, CaseIterable {
        case delivered = 1
        /// Failed for now, and is tried again.
        case deferred
        case failed
        case looped
        case expired
        /// By an operator, or by the user whose mail it was.
        case removed
        /// Could not be read any more, and is set aside.
        case lost
        /// Of an envelope that stands for a report: the report is on its way as a message of its own.
        case reported
        /// The report could not be sent.
        case dropped
        /// By an operator, or by a filter.
        case paused
        case resumed

        package var name: String {
            switch self {
            case .delivered: "delivered"
            case .deferred: "deferred"
            case .failed: "failed"
            case .looped: "looped"
            case .expired: "expired"
            case .removed: "removed"
            case .lost: "lost"
            case .reported: "reported"
            case .dropped: "dropped"
            case .paused: "paused"
            case .resumed: "resumed"
            }
        }
    }

    /// Bytes of UTF-8 of a text; what is longer is cut.
    package static let maximumText = 512
    package static let maximumSize: Int64 = 1 << 34

    package init(time: Timestamp, message: MessageID, _ kind: Kind) {
        self.time = time
        self.message = message
        self.kind = kind
    }

    /// Of an envelope.
    package init(time: Timestamp, _ envelope: EnvelopeID, _ outcome: Outcome, to destination: String, _ text: String) {
        self.init(
            time: time, message: envelope.message,
            .outcome(number: envelope.number, outcome, to: Self.bounded(destination), text: Self.bounded(text)))
    }

    /// One of an envelope; nil for that of a whole message.
    package var envelope: EnvelopeID? {
        switch kind {
        case .accepted: nil
        case .queued(let number, _), .outcome(let number, _, _, _): EnvelopeID(message, number)
        }
    }

    /// Short enough, at a boundary of characters.
    static func bounded(_ text: String) -> String {
        guard text.utf8.count > maximumText else { return text }
        var end = 0
        var result = text.unicodeScalars.prefix { scalar in
            end += UTF8.width(scalar)
            return end <= maximumText - 3
        }.map(Character.init)
        result += "..."
        return String(result)
    }
}
