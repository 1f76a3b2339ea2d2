import Authentication
import Cryptography
import Glibc
import MailSyntax
import Platform

/// Whether a user of the system may log in with a password, by the shadow database. For root's processes.
///
/// Never root: whoever could guess that password over the network would have more than mail.
package enum SystemLogin {
    /// Compared with when there is nothing to compare with, so that an unknown user costs as much time as a wrong
    /// password. The first whose form the library knows counts; no password fits.
    private static let decoys = [
        "$y$j9T$0123456789abcdefghijk/$0000000000000000000000000000000000000000000",
        "$6$0123456789abcdef$000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
    ]

    private static let database = "/etc/shadow"

    /// Octets of a name that the system's databases are asked for.
    package static let maximumName = 255

    /// True for a name that can be asked for: no white space, no control character, none of the signs that mean
    /// something to databases or paths, and no option.
    package static func isName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard let first = bytes.first, bytes.count <= maximumName, first != UInt8(ascii: "-") else { return false }
        return bytes.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "/") }
    }

    /// True for a user that may not log in here, whatever the password: root under any name.
    package static func isForbidden(_ name: String) throws(SystemError) -> Bool {
        try Users.named(name)?.uid == 0
    }

    /// Compares with the shadow database.
    package static func compare(_ password: [UInt8], user name: String) -> PasswordVerdict {
        // The name service may take a file that it cannot read for one that has no such user, and nobody is to be
        // refused, and counted as a guesser, for that.
        if access(database, R_OK) != 0, errno == EACCES { return .unavailable("\(database) is for root alone") }
        do throws(SystemError) {
            guard isName(name), try Users.named(name) != nil, try !isForbidden(name),
                let entry = try ShadowEntry.named(name),
                entry.isUsable(on: Int(time(nil)) / 86_400), isHash(entry.hash)
            else {
                waste(password)
                return .wrong
            }
            return PasswordComparison.compare(password, with: .crypt(entry.hash))
        } catch {
            return .unavailable("\(error)")
        }
    }

    /// A locked account has something in front of the hash, or no hash.
    private static func isHash(_ text: String) -> Bool {
        guard let first = text.utf8.first else { return false }
        return first == UInt8(ascii: "$") || first == UInt8(ascii: "_") || isASCIIAlphanumeric(first)
            || first == UInt8(ascii: ".") || first == UInt8(ascii: "/")
    }

    private static func waste(_ password: [UInt8]) {
        for decoy in decoys where PasswordCrypt.hash(password, setting: decoy) != nil { return }
    }
}
