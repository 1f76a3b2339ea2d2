import JSON
import MailSyntax

/// Events as lines: for people, and for programs.
extension HistoryEvent {
    /// `2026-11-30T13:05:09Z 5f3a9c1e accepted from=<ada@example.org> ...`; may hold what a stranger has written, without
    /// control characters.
    package var line: String {
        let head = "\(MailDate.timestamp(time.seconds)) \(identifier) \(name)"
        switch kind {
        case .accepted(let acceptance):
            return head + " from=<\(Self.printable(acceptance.sender))> size=\(acceptance.size) client=\(Self.printable(acceptance.source))"
                + Self.part("user", acceptance.user) + Self.part("message-id", acceptance.messageID)
        case .queued(_, let recipient):
            return head + " to=<\(Self.printable(recipient.destination))>"
                + (recipient.given.isEmpty ? "" : " for=<\(Self.printable(recipient.given))>") + " action=\(Self.printable(recipient.action))"
        case .outcome(_, _, let to, let text):
            return head + " to=<\(Self.printable(to))>" + Self.part("text", text)
        }
    }

    /// The same for programs.
    package var value: JSONValue {
        var members: [JSONValue.Member] = [
            .init("time", .integer(time.seconds)), .init("event", .text(name)), .init("message", .text("\(message)")),
        ]
        if let envelope { members.append(.init("envelope", .text("\(envelope)"))) }
        switch kind {
        case .accepted(let acceptance):
            members += [
                .init("from", .text(acceptance.sender)), .init("size", .integer(acceptance.size)),
                .init("client", .text(acceptance.source)), .init("user", .text(acceptance.user.isEmpty ? nil : acceptance.user)),
                .init("message-id", .text(acceptance.messageID.isEmpty ? nil : acceptance.messageID)),
            ]
        case .queued(_, let recipient):
            members += [
                .init("to", .text(recipient.destination)),
                .init("for", .text(recipient.given.isEmpty ? recipient.destination : recipient.given)),
                .init("action", .text(recipient.action)),
            ]
        case .outcome(_, _, let to, let text):
            members += [.init("to", .text(to)), .init("text", .text(text))]
        }
        return .object(members)
    }

    private var identifier: String { envelope.map(\.description) ?? message.description }

    private var name: String {
        switch kind {
        case .accepted: "accepted"
        case .queued: "queued"
        case .outcome(_, let outcome, _, _): outcome.name
        }
    }

    private static func part(_ name: String, _ text: String) -> String {
        guard !text.isEmpty else { return "" }
        let isWord = text.utf8.allSatisfy { $0 > 0x20 && $0 != UInt8(ascii: "\"") }
        return " \(name)=" + (isWord ? printable(text) : "\"\(printable(text))\"")
    }

    private static func printable(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0..<0x20, 0x7F..<0xA0, 0x200B...0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF: result += "?"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
