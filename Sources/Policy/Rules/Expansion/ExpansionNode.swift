import Configuration
import MailSyntax
import Tables

/// Something a recipient has led to, waiting for its turn.
struct ExpansionNode: Sendable {
    enum Content: Hashable, Sendable {
        case address(MailAddress)
        /// A name in lower case, with its sub-address.
        case user(String)
        case pipe(String)
        case file(String)
        case include(String)
        case error(code: UInt16, text: String)
    }

    /// What brought it.
    enum Origin: UInt8, Hashable, Sendable {
        case recipient, address, alias, include, forward
    }

    var content: Content
    var origin: Origin
    /// Steps from the recipient.
    var depth: Int
    /// The nearest address on the way here: where a local delivery is for.
    var destination: MailAddress
    /// What led here; nil for the recipient.
    var parent: Int?
    /// The action that governs it, with its rule; an address finds its own when it is worked on.
    var governing: Governing?
    /// The user whose .forward named it: as whom a command or file runs.
    var owner: UserInfo?
    /// A user named by its own alias or .forward, which stops there.
    var isSameUser = false

    struct Governing: Hashable, Sendable {
        var action: String
        /// Nil for a relay.
        var local: LocalAction?
        var rule: SourceLocation
    }

    /// What makes two nodes the same, of which only the first is followed.
    struct Key: Hashable {
        let content: Content
        let isSameUser: Bool
        /// Nil for an address, which is its own.
        let destination: MailAddress?
        /// Of commands and files only.
        let owner: String?
    }

    var key: Key {
        switch content {
        case .address, .error:
            Key(content: content, isSameUser: false, destination: nil, owner: nil)
        case .user, .include:
            Key(content: content, isSameUser: isSameUser, destination: destination, owner: nil)
        case .pipe, .file:
            Key(content: content, isSameUser: false, destination: destination, owner: owner?.name)
        }
    }

    /// For the trace.
    var text: String {
        switch content {
        case .address(let address): address.text
        case .user(let name): name
        case .pipe(let command): "|\(command)"
        case .file(let path): path
        case .include(let path): ":include:\(path)"
        case .error(let code, let text): "error:\(code) \(text)"
        }
    }
}
