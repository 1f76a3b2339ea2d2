/// What both sides agree on when a milter is met: the version of the protocol, what the milter may change, and
/// which steps it takes part in.
///
/// Numbers are those of the Sendmail mail filter protocol, versions 2 to 6.
package struct MilterOptions: Hashable, Sendable {
    package var version: UInt32
    package var actions: MilterActions
    package var steps: MilterSteps

    package init(version: UInt32, actions: MilterActions, steps: MilterSteps) {
        self.version = version
        self.actions = actions
        self.steps = steps
    }

    /// The oldest version that is spoken.
    package static let oldestVersion: UInt32 = 2
    /// What this server offers: all that version 6 has, but for recipients it has refused itself.
    package static let offered = MilterOptions(version: 6, actions: .all, steps: .all)
}

/// What a milter may do to a message.
package struct MilterActions: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let addHeaders = MilterActions(rawValue: 0x01)
    package static let changeBody = MilterActions(rawValue: 0x02)
    package static let addRecipients = MilterActions(rawValue: 0x04)
    package static let removeRecipients = MilterActions(rawValue: 0x08)
    package static let changeHeaders = MilterActions(rawValue: 0x10)
    package static let quarantine = MilterActions(rawValue: 0x20)
    package static let changeSender = MilterActions(rawValue: 0x40)
    package static let addRecipientsWithArguments = MilterActions(rawValue: 0x80)
    /// Names the macros it wants in its answer to the offer.
    package static let choosesMacros = MilterActions(rawValue: 0x100)

    package static let all = MilterActions(rawValue: 0x1FF)
}

/// The steps a milter leaves out, does not answer, or knows besides the oldest ones.
package struct MilterSteps: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let noConnect = MilterSteps(rawValue: 0x01)
    package static let noHelo = MilterSteps(rawValue: 0x02)
    package static let noMail = MilterSteps(rawValue: 0x04)
    package static let noRecipient = MilterSteps(rawValue: 0x08)
    package static let noBody = MilterSteps(rawValue: 0x10)
    package static let noHeaders = MilterSteps(rawValue: 0x20)
    package static let noEndOfHeader = MilterSteps(rawValue: 0x40)
    package static let noReplyToHeaders = MilterSteps(rawValue: 0x80)
    package static let noUnknown = MilterSteps(rawValue: 0x100)
    package static let noData = MilterSteps(rawValue: 0x200)
    /// The answer "skip" is understood.
    package static let skip = MilterSteps(rawValue: 0x400)
    package static let refusedRecipients = MilterSteps(rawValue: 0x800)
    package static let noReplyToConnect = MilterSteps(rawValue: 0x1000)
    package static let noReplyToHelo = MilterSteps(rawValue: 0x2000)
    package static let noReplyToMail = MilterSteps(rawValue: 0x4000)
    package static let noReplyToRecipient = MilterSteps(rawValue: 0x8000)
    package static let noReplyToData = MilterSteps(rawValue: 0x1_0000)
    package static let noReplyToUnknown = MilterSteps(rawValue: 0x2_0000)
    package static let noReplyToEndOfHeader = MilterSteps(rawValue: 0x4_0000)
    package static let noReplyToBody = MilterSteps(rawValue: 0x8_0000)
    /// Values of header fields keep the white space behind the colon, in both directions.
    package static let leadingSpace = MilterSteps(rawValue: 0x10_0000)

    package static let all = MilterSteps(rawValue: 0x1F_FFFF).subtracting(.refusedRecipients)
}

/// A moment of a session at which a milter is told something.
package enum MilterStage: Hashable, Sendable, CaseIterable {
    case connect, helo, mail, recipient, data, header, endOfHeader, body, endOfMessage, unknown

    /// Left out when the milter says so; nil for the one that never is.
    var omission: MilterSteps? {
        switch self {
        case .connect: .noConnect
        case .helo: .noHelo
        case .mail: .noMail
        case .recipient: .noRecipient
        case .data: .noData
        case .header: .noHeaders
        case .endOfHeader: .noEndOfHeader
        case .body: .noBody
        case .endOfMessage: nil
        case .unknown: .noUnknown
        }
    }

    /// Not answered when the milter says so; nil for the one that always is.
    var silence: MilterSteps? {
        switch self {
        case .connect: .noReplyToConnect
        case .helo: .noReplyToHelo
        case .mail: .noReplyToMail
        case .recipient: .noReplyToRecipient
        case .data: .noReplyToData
        case .header: .noReplyToHeaders
        case .endOfHeader: .noReplyToEndOfHeader
        case .body: .noReplyToBody
        case .endOfMessage: nil
        case .unknown: .noReplyToUnknown
        }
    }

    /// The first version of the protocol that has it.
    var sinceVersion: UInt32 {
        switch self {
        case .unknown: 3
        case .data: 4
        case .connect, .helo, .mail, .recipient, .header, .endOfHeader, .body, .endOfMessage: 2
        }
    }

    /// Before any message: what is decided here holds for the whole session.
    var isOfSession: Bool { self == .connect || self == .helo }

    /// The letter of its command, which is also the letter that its macros are sent for.
    var letter: UInt8 {
        switch self {
        case .connect: UInt8(ascii: "C")
        case .helo: UInt8(ascii: "H")
        case .mail: UInt8(ascii: "M")
        case .recipient: UInt8(ascii: "R")
        case .data: UInt8(ascii: "T")
        case .header: UInt8(ascii: "L")
        case .endOfHeader: UInt8(ascii: "N")
        case .body: UInt8(ascii: "B")
        case .endOfMessage: UInt8(ascii: "E")
        case .unknown: UInt8(ascii: "U")
        }
    }

    /// By the number with which a milter names the macros it wants; nil for a number that is none.
    init?(macroNumber: UInt32) {
        switch macroNumber {
        case 0: self = .connect
        case 1: self = .helo
        case 2: self = .mail
        case 3: self = .recipient
        case 4: self = .data
        case 5: self = .endOfMessage
        case 6: self = .endOfHeader
        default: return nil
        }
    }

    /// For the log.
    package var name: String {
        switch self {
        case .connect: "connect"
        case .helo: "helo"
        case .mail: "mail-from"
        case .recipient: "rcpt-to"
        case .data: "data"
        case .header: "header"
        case .endOfHeader: "end-of-header"
        case .body: "body"
        case .endOfMessage: "end-of-message"
        case .unknown: "unknown"
        }
    }
}
