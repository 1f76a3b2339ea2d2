/// Why the content of a message is refused. The client hears of it at the real end of the content.
package enum MessageFault: Error, Hashable, Sendable {
    /// A CR without LF, or an LF without CR (RFC 5321 section 2.3.8). Somewhere it might end a line and
    /// with it the data, so that a second message could hide in this one (VU#302671).
    case bareCarriageReturn
    case bareLineFeed
    case nul
    case lineTooLong
    case tooLarge
    case headerTooLarge
    /// Something that is no header field stands before the empty line.
    case malformedHeader
    /// It has passed so many hosts that it must run in circles (RFC 5321 section 6.3).
    case loop

    package var reply: Reply {
        switch self {
        case .bareCarriageReturn: Reply(550, "5.6.0", "Message content refused: bare carriage return")
        case .bareLineFeed: Reply(550, "5.6.0", "Message content refused: bare line feed")
        case .nul: Reply(550, "5.6.0", "Message content refused: NUL octet")
        case .lineTooLong: Reply(550, "5.6.0", "Message content refused: line too long")
        case .tooLarge:
            Reply(552, "5.3.4", "Message too big for system: Transaction failed, message too big")
        case .headerTooLarge: Reply(552, "5.3.4", "Message too big for system: header too big")
        case .malformedHeader:
            Reply(550, "5.7.1", "Delivery not authorized, message refused: Message is not RFC 2822 compliant")
        case .loop: Reply(554, "5.4.6", "Routing loop detected: Loop detected")
        }
    }
}
