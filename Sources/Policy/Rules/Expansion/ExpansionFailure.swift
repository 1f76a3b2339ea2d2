import MailSyntax
import SMTPProtocol
import Tables

/// Why a recipient was refused.
package enum ExpansionFailure: Error, Hashable, Sendable {
    case noRule
    case rejectedByRule
    /// A rule's table could not say.
    case undecidedRule(String)
    /// The configuration names an action it does not have.
    case unknownAction(String)
    /// A virtual map knows neither the address nor its domain.
    case notInVirtualMap(MailAddress)
    case tableFailed(table: String, String)
    /// The value of an alias cannot be read.
    case malformedAlias(key: String, ExpansionItem.SyntaxError)
    case unknownUser(String)
    case malformedUserInfo(String)
    /// A .forward that cannot be read now.
    case forwardUnreadable(user: String, String)
    /// A .forward that must not be used.
    case forwardUnsafe(user: String, String)
    case malformedForward(user: String, ItemFile.Failure)
    case malformedInclude(path: String, ItemFile.Failure)
    case tooDeep
    case tooManyNodes
    /// Everything led back to where it came from; nobody is left.
    case nobodyLeft
    /// The same, after an include file could not be read.
    case nobodyLeftForNow
    /// `forward-only`: the user forwards nothing.
    case notForwarded(user: String)
    /// `forward-only`: a file, command or error among the items.
    case externalItem
    /// `expand-only`: nothing to expand the user to.
    case notExpanded(user: String)
    /// A command or file in the .forward of root.
    case externalItemOfRoot
    /// An `error:` item.
    case errorItem(code: UInt16, text: String)

    /// Words for the log.
    package var reason: String {
        switch self {
        case .noRule: "no rule matched"
        case .rejectedByRule: "rejected"
        case .undecidedRule(let reason): reason
        case .unknownAction(let name): "no action \(name)"
        case .notInVirtualMap(let address): "\(address.text) is not in the virtual map"
        case .tableFailed(let table, let reason): "table \(table): \(reason)"
        case .malformedAlias(let key, let error): "alias \(key): \(error.reason)"
        case .unknownUser(let user): "no user \(user)"
        case .malformedUserInfo(let user): "user information of \(user) cannot be read"
        case .forwardUnreadable(let user, let reason), .forwardUnsafe(let user, let reason):
            ".forward of \(user): \(reason)"
        case .malformedForward(let user, let failure): ".forward of \(user): \(failure.reason)"
        case .malformedInclude(let path, let failure): "include \(path): \(failure.reason)"
        case .tooDeep: "expansion too deep"
        case .tooManyNodes: "expansion too large"
        case .nobodyLeft: "expansion leads to nobody"
        case .nobodyLeftForNow: "expansion leads to nobody while an include cannot be read"
        case .notForwarded(let user): "\(user) forwards nothing"
        case .externalItem: "file, command or error under forward-only"
        case .notExpanded(let user): "\(user) expands to nothing"
        case .externalItemOfRoot: "file or command in the .forward of root"
        case .errorItem(let code, let text): "error item \(code) \(text)"
        }
    }

    /// The reply to RCPT (RFC 5321 section 4.2.3, RFC 3463). OpenSMTPD answers 424 and 524 for a failed
    /// expansion, which RFC 5321 does not know; 450 and 550 say the same with the same status.
    package func reply(for recipient: MailAddress) -> Reply {
        let path = "<\(recipient.text)>"
        switch self {
        case .noRule, .rejectedByRule:
            return Reply(550, "5.7.1", "Invalid recipient: \(path)")
        case .notInVirtualMap, .unknownUser:
            return Reply(550, "5.1.1", "Invalid recipient: \(path)")
        case .forwardUnsafe:
            return Reply(550, "5.2.0", "Invalid recipient: \(path)")
        case .undecidedRule, .unknownAction, .tableFailed, .malformedAlias, .malformedUserInfo, .forwardUnreadable,
            .malformedForward, .malformedInclude, .externalItem, .externalItemOfRoot:
            return Reply(451, "4.3.0", "Temporary failure: \(path)")
        case .tooManyNodes, .notForwarded, .nobodyLeftForNow:
            return Reply(450, "4.2.4", "Mailing list expansion problem: \(path)")
        case .tooDeep, .nobodyLeft, .notExpanded:
            return Reply(550, "5.2.4", "Mailing list expansion problem: \(path)")
        case .errorItem(let code, let text):
            return Self.reply(code: code, text: text)
        }
    }

    /// The administrator's own words. RFC 2034 wants a status before them; without one that fits the
    /// code it is the one that says nothing more than the code does.
    private static func reply(code: UInt16, text: String) -> Reply {
        let words = text.split(separator: " ", maxSplits: 1)
        let digits = (words.first ?? "").split(separator: ".", omittingEmptySubsequences: false)
        if digits.count == 3, digits[0] == "\(code / 100)", words.count == 2,
            digits.allSatisfy({ (1...3).contains($0.utf8.count) && $0.utf8.allSatisfy(isASCIIDigit) })
        {
            return Reply(code, String(words[0]), String(words[1]))
        }
        return Reply(code, "\(code / 100).0.0", text)
    }
}
