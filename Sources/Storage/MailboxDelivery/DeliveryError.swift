import Envelopes
import Glibc
import Platform

/// Why a mailbox did not take a message.
package enum DeliveryError: Error, Hashable, Sendable {
    case system(SystemError)
    /// A symbolic link, directory, FIFO or device where a mailbox file was expected.
    case notAFile(String)
    /// Another name leads to the same file: appending would write to what somebody else chose.
    case severalLinks(String)
    /// The mailbox belongs to another user.
    case foreignOwner(String)
    /// Another program held the lock for as long as we were ready to wait.
    case busy(String)
    /// A sub-directory of a maildir is no directory.
    case notADirectory(String)

    /// Symbolic links refused by O_NOFOLLOW are told from other failures.
    init(opening name: String, _ error: SystemError) {
        switch error.code {
        case ELOOP, EISDIR, ENXIO: self = .notAFile(name)
        default: self = .system(error)
        }
    }
}

extension DeliveryError {
    /// The failure with its status code (RFC 3463 sections 3.3 and 3.4), class 4.
    ///
    /// All of it can be put right by the user or the operator while the message waits, so nothing here
    /// sends mail back at once.
    package var failure: DeliveryFailure {
        switch self {
        case .system(let error) where error.code == EDQUOT || error.code == EFBIG:
            DeliveryFailure(status: "4.2.2", text: printable("Mailbox full: \(error)"))
        case .system(let error) where error.code == ENOSPC:
            DeliveryFailure(status: "4.3.1", text: printable("Mail system full: \(error)"))
        case .system(let error):
            DeliveryFailure(status: "4.3.0", text: printable("\(error)"))
        case .notAFile(let name):
            DeliveryFailure(status: "4.2.0", text: printable("Mailbox \(name) is not a regular file"))
        case .severalLinks(let name):
            DeliveryFailure(status: "4.2.0", text: printable("Mailbox \(name) has more than one link"))
        case .foreignOwner(let name):
            DeliveryFailure(status: "4.2.0", text: printable("Mailbox \(name) belongs to another user"))
        case .busy(let name):
            DeliveryFailure(status: "4.2.0", text: printable("Mailbox \(name) is locked by another program"))
        case .notADirectory(let name):
            DeliveryFailure(status: "4.2.0", text: printable("Maildir \(name) is not a directory"))
        }
    }

    package var outcome: DeliveryOutcome { .temporary(failure) }
}

/// The text as one line that a log, the queue and a report can take: control characters become `?`, and it
/// ends after 400 bytes at the latest.
package func printable(_ text: String) -> String { printable(Array(text.utf8)) }

package func printable(_ bytes: [UInt8]) -> String {
    let text = String(decoding: bytes.prefix(400).map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: "?") : $0 }, as: UTF8.self)
    // A replacement character is longer than the byte it stands for.
    return text.utf8.count <= 400 ? text : String(decoding: text.utf8.prefix(397), as: UTF8.self)
}
