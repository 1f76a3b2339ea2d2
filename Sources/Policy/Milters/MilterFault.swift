/// What a milter did that its protocol does not allow: the connection to it is of no more use.
package enum MilterFault: Error, Hashable, Sendable {
    /// A packet of no octets, or of more than ``MilterPacketReader/maximumLength``.
    case packetLength(UInt32)
    /// An answer whose content does not have its form, by the letter of the answer.
    case malformed(UInt8)
    /// A letter that no answer has.
    case unknownAnswer(UInt8)
    /// An answer that nobody waits for, or that does not belong to the step.
    case unexpected(UInt8)
    /// A version that is not spoken.
    case version(UInt32)
    /// It wants steps that were not offered, as bits.
    case steps(UInt32)
    /// A change that it did not ask leave for, by the letter of the answer.
    case notAllowed(UInt8)
    /// A reply for the client that is none, or is not a refusal.
    case replyText
    /// More changes than are kept.
    case tooManyChanges
    /// A body with a NUL octet, or with a line beyond all limits.
    case bodyContent
    /// It asked to be dealt with as if it could not be reached.
    case declined

    /// The words for the log.
    package var text: String {
        func letter(_ byte: UInt8) -> String {
            byte > 0x20 && byte < 0x7F ? "'\(Character(UnicodeScalar(byte)))'" : "octet \(byte)"
        }
        return switch self {
        case .packetLength(let length): "sent a packet of \(length) octets"
        case .malformed(let byte): "sent a malformed answer \(letter(byte))"
        case .unknownAnswer(let byte): "sent an unknown answer \(letter(byte))"
        case .unexpected(let byte): "sent an answer out of place \(letter(byte))"
        case .version(let version): "wants version \(version) of the protocol"
        case .steps(let bits): "wants steps that were not offered, 0x\(String(bits, radix: 16))"
        case .notAllowed(let byte): "made a change that it did not negotiate \(letter(byte))"
        case .replyText: "sent a reply that is no refusal"
        case .tooManyChanges: "made too many changes"
        case .bodyContent: "sent a body that is no text"
        case .declined: "declined the connection"
        }
    }
}
