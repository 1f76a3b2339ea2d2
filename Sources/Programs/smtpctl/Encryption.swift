import Cryptography
import Glibc
import JSON
import Platform

/// `encrypt`: hashes of passwords by crypt(3), for tables of credentials. Needs no daemon and no right.
enum Encryption {
    /// More than any list of passwords that somebody types or keeps.
    private static let longestInput = 16 << 20

    /// - Parameters:
    ///   - method: As the operator names it; nil for the best that the library has.
    static func run(_ password: String?, method: String? = nil, _ output: Output) -> Never {
        let known = PasswordCrypt.Method.allCases.map(\.rawValue).joined(separator: ", ")
        var wanted: PasswordCrypt.Method?
        if let method {
            guard let named = PasswordCrypt.Method(rawValue: method) else {
                output.fail("smtpctl: \(method): no such method; there are \(known)")
            }
            wanted = named
        }
        for password in passwords(password, output) {
            guard let hash = PasswordCrypt.newHash(of: Array(password.utf8), method: wanted) else {
                output.fail("smtpctl: this password cannot be hashed\(method.map { " with \($0)" } ?? "")")
            }
            let text = String(decoding: hash, as: UTF8.self)
            output.say(text, .object(["hash": .text(text)]))
        }
        exit(0)
    }

    /// The one of the command line, what is typed without being seen, or each line of standard input.
    private static func passwords(_ given: String?, _ output: Output) -> [String] {
        if let given { return [given] }
        guard isatty(STDIN_FILENO) == 1 else { return StandardInput.lines(limit: longestInput) }
        do throws(SystemError) {
            guard let secret = try Terminal.askSecret("password> ") else { return [] }
            return [String(decoding: secret.bytes, as: UTF8.self)]
        } catch {
            output.fail("smtpctl: \(error)")
        }
    }
}
