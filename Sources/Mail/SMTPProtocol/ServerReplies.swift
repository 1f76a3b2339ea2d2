import Envelopes
import MailSyntax

/// The words of the server: every reply that a session gives by itself.
extension Reply {
    static func greeting(_ hostname: Domain) -> Reply { Reply(220, nil, "\(hostname.text) ESMTP Martlet") }
    static let clientSpokeFirst = Reply(554, nil, "Client spoke before the greeting")

    /// The reply to HELO, and the first line of that to EHLO.
    static func helloText(_ settings: ServerSettings, _ client: ClientIdentity, _ name: String) -> String {
        let address =
            switch client.source {
            case .local: "[local]"
            case .network(let address): "[\(address)]"
            }
        return "\(settings.hostname.text) Hello \(name) \(address), pleased to meet you"
    }

    static let ok = Reply(250, "2.0.0", "Ok")
    static let recipientOk = Reply(250, "2.1.5", "Destination address valid: Recipient ok")
    static let resetState = Reply(250, "2.0.0", "Reset state")
    static let bye = Reply(221, "2.0.0", "Bye")
    static let startTLS = Reply(220, "2.0.0", "Ready to start TLS")
    static let enterMail = Reply(354, nil, "Enter mail, end with \".\" on a line by itself")
    static let cannotVerify = Reply(252, "2.0.0", "Cannot VRFY user, but will accept message and attempt delivery")
    static let help = Reply(
        214, "2.0.0",
        lines: [
            "This is Martlet", "Commands: HELO EHLO AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT",
            "Ask the postmaster of this host about its use", "End of HELP info",
        ])

    // RFC 4954 sections 4 and 6.
    static let authenticated = Reply(235, "2.0.0", "Authentication succeeded")
    static let authenticationUnavailable = Reply(454, "4.7.0", "Temporary authentication failure")
    static let authenticationLineTooLong = Reply(500, "5.5.6", "Authentication exchange line is too long")
    static let malformedResponse = Reply(501, "5.5.2", "Syntax error: Syntax error")
    static let authenticationCancelled = Reply(501, "5.7.0", "Authentication cancelled")
    static let authenticationFailed = Reply(535, "5.7.8", "Authentication failed")
    static let encryptionRequired = Reply(538, "5.7.11", "Encryption required: Must issue a STARTTLS command first")
    static let tooManyAuthenticationFailures = Reply(421, "4.7.0", "Too many authentication failures: closing connection")

    static func challenge(_ octets: [UInt8]) -> Reply {
        Reply(334, nil, String(decoding: Base64.encoded(octets), as: UTF8.self))
    }

    /// - Parameter name: As the client wrote it.
    static func unknownMechanism(_ name: [UInt8]) -> Reply {
        let text = String(decoding: name.prefix(20), as: UTF8.self)
        return Reply(504, "5.7.4", "Security features not supported: AUTH method \"\(text)\" not supported")
    }

    static func chunkReceived(_ size: Int64) -> Reply { Reply(250, "2.0.0", "\(size) octets received") }
    static func messageAccepted(_ identifier: String) -> Reply {
        Reply(250, "2.0.0", "\(identifier) Message accepted for delivery")
    }

    static let timeout = Reply(421, "4.4.2", "Timeout: closing connection")
    static let shuttingDown = Reply(421, "4.3.2", "Server shutting down")
    static let tooManyRefusedRecipients = Reply(421, "4.7.0", "Too many invalid recipients: closing connection")
    static let tooManyIdleCommands = Reply(421, "4.7.0", "Too many commands without mail: closing connection")
    static let tooManyBadCommands = Reply(421, "4.7.0", "Too many errors: closing connection")

    static let tooManyMails = Reply(452, "4.5.3", "Too many recipients: Too many messages sent")
    static let tooManyRecipients = Reply(452, "4.5.3", "Too many recipients: Too many recipients")

    static let commandLineTooLong = Reply(500, "5.0.0", "Command line too long")
    static let bareLineFeed = Reply(500, "5.5.2", "Syntax error: command lines end with CR LF")
    static let controlCharacter = Reply(500, "5.5.2", "Syntax error: control character in command")
    static let noWizards = Reply(500, "5.5.1", "Invalid command: no wizards on duty, try a wand")
    static let invalidName = Reply(501, "5.5.4", "Invalid command arguments: Invalid domain name")
    static let notImplemented = Reply(502, "5.5.1", "Invalid command: Command not implemented")
    static let notAllowed = Reply(503, "5.5.1", "Invalid command: Command not allowed at this point.")
    static let notSupported = Reply(503, "5.5.1", "Invalid command: Command not supported")
    static let alreadySecured = Reply(503, "5.5.1", "Invalid command: Channel already secured")
    static let noRecipient = Reply(503, "5.5.4", "Invalid command arguments: No recipient specified")
    static let alreadyAuthenticated = Reply(503, "5.5.1", "Invalid command: Already authenticated")
    static let mustAuthenticate = Reply(530, "5.7.0", "Must issue an AUTH command first")
    static let mustStartTLS = Reply(530, "5.7.0", "Must issue a STARTTLS command first")
    static let senderSyntax = Reply(553, "5.1.0", "Sender address syntax error")
    static let recipientSyntax = Reply(501, "5.1.3", "Recipient address syntax error")
    /// RFC 6531 section 3.5.
    static let needsUTF8 = Reply(553, "5.6.7", "Address is not ASCII, and SMTPUTF8 was not asked for")
    static let notUTF8 = Reply(553, "5.6.7", "Address is not UTF-8")
}

extension Command.SyntaxError {
    package var reply: Reply {
        switch self {
        case .unrecognized: Reply(500, "5.5.1", "Invalid command: Command unrecognized")
        case .missingName(let verb): Reply(501, "5.5.1", "Invalid command: \(verb) requires domain name")
        case .missingArgument: Reply(501, "5.5.4", "Invalid command arguments: No parameters given")
        case .unexpectedArgument:
            Reply(501, "5.5.4", "Invalid command arguments: command does not accept arguments.")
        case .malformedAuthentication:
            Reply(501, "5.5.4", "Invalid command arguments: AUTH mechanism [initial-response] expected")
        case .malformedPathCommand(let expected):
            Reply(501, "5.5.4", "Invalid command arguments: \(expected)<address> expected")
        case .malformedChunk: Reply(501, "5.5.4", "Invalid command arguments: BDAT size [LAST] expected")
        }
    }
}

extension ParameterError {
    package var reply: Reply {
        switch self {
        case .unsupported(let keyword):
            Reply(555, "5.5.4", "Invalid command arguments: Unsupported option \(keyword)")
        case .badValue(let keyword): Reply(501, "5.5.4", "Invalid command arguments: bad value of \(keyword.prefix(32))")
        case .duplicate(let keyword): Reply(501, "5.5.4", "Invalid command arguments: \(keyword.prefix(32)) given twice")
        case .malformed: Reply(501, "5.5.4", "Invalid command arguments: malformed option")
        case .neverWithOthers:
            Reply(501, "5.5.4", "NOTIFY option NEVER cannot be combined with other options")
        }
    }
}
