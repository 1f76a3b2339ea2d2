import Authentication
import Cryptography

/// Compares passwords with what is stored of them.
///
/// Start reading here. The room brings the forms of Mail/Authentication together with the libraries of
/// System/Cryptography; it knows no tables and no clients. What is slow here belongs into a process that may be
/// slow (``StoredPassword/isQuick``).
package enum PasswordComparison {
    /// Compares with a stored form.
    package static func compare(_ password: [UInt8], with stored: StoredPassword) -> PasswordVerdict {
        stored.matches(password, with: .libcrypto, crypt: { PasswordCrypt.hash($0, setting: $1) }) ? .right : .wrong
    }

    /// Compares with the text of a table.
    package static func compare(_ password: [UInt8], with text: String) -> PasswordVerdict {
        do throws(StoredPassword.Failure) {
            return compare(password, with: try StoredPassword(parsing: text))
        } catch {
            return .unavailable(error.reason)
        }
    }
}

extension StoredPassword.Failure {
    /// In words for the log, without the secret.
    package var reason: String {
        switch self {
        case .unknownScheme(let name): "password scheme \(name) is not known"
        case .malformed(let scheme): "malformed password of scheme \(scheme)"
        }
    }
}
