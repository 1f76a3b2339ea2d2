import Envelopes

/// What a command line of `sendmail`, `mailq` or `newaliases` asks for.
package enum Invocation: Hashable, Sendable {
    /// Hand in the message on standard input.
    case submit(SubmissionOptions)
    /// `-bs`: the caller speaks SMTP.
    case smtpOnStandardInput
    /// `-bp`, `mailq`.
    case listQueue
    /// `-bi`, `-I`, `newaliases`.
    case rebuildAliases
    /// `-bv`: say whether the arguments are known, deliver nothing.
    case verify(SubmissionOptions)
    /// `-q`: try everything that waits now.
    case runQueue
    /// `-bd`, and `-bD` in the foreground.
    case startDaemon(inForeground: Bool)
    /// `--replay-offline`, for the daemon: hand in the file of the offline directory on standard input.
    case replayOffline
    /// The command line makes no sense; nothing is delivered.
    case usage(UsageError)
}

/// What the options say of a message, before anything is looked up.
package struct SubmissionOptions: Hashable, Sendable {
    /// `-t`: recipients are in the header too.
    package var collectsRecipients = false
    /// `-i`: a line of one dot is text.
    package var ignoresDots = false
    /// `-f` or `-r`, as given; nil for none.
    package var sender: [UInt8]?
    /// `-F`, as given.
    package var fullName: [UInt8]?
    /// `-N`; nil when absent, or not understood: never a reason to refuse mail.
    package var notify: NotifyOptions?
    /// `-R`, likewise.
    package var returnContent: ReturnContent?
    /// `-V`, as given.
    package var envelopeIdentifier: [UInt8]?
    /// `-v`: show the dialogue.
    package var isVerbose = false
    /// The arguments behind the options, each a list of addresses.
    package var recipients: [[UInt8]] = []

    package init() {}
}

/// Why a command line is refused.
package enum UsageError: Error, Hashable, Sendable {
    case unknownOption(UInt8)
    case missingArgument(UInt8)
    /// `-b` with a letter that means nothing.
    case unknownMode([UInt8])
    case noRecipients
    /// `-f` with something that is not one address.
    case invalidSender([UInt8])
}

extension UsageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknownOption(let letter): "unknown option -\(printableText([letter]))"
        case .missingArgument(let letter): "option -\(printableText([letter])) needs an argument"
        case .unknownMode(let mode): "unknown mode -b\(printableText(mode[...]))"
        case .noRecipients: "no recipients"
        case .invalidSender(let sender): "\(printableText(sender[...])) is no sender address"
        }
    }
}

/// Text of somebody else for a terminal or a log: control characters, those of Latin-1 too, become `?`, and very
/// long text is cut.
package func printableText(_ bytes: ArraySlice<UInt8>) -> String {
    var result = String.UnicodeScalarView()
    for scalar in String(decoding: bytes.prefix(512), as: UTF8.self).unicodeScalars {
        let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
        result.append(isControl ? "?" : scalar)
    }
    return String(result)
}
