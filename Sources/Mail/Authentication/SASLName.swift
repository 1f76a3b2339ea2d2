/// A user's name as a client may say it: text without control characters, of bounded length.
package enum SASLName {
    /// Octets of a name: a local part, `@` and a domain.
    package static let maximumLength = 320

    /// Octets of a password, more than crypt(3) takes.
    package static let maximumPasswordLength = 1024

    /// The name as text; nil when it is empty, too long, or cannot be prepared (RFC 4013).
    package static func text(_ bytes: [UInt8]) -> String? {
        guard bytes.count <= maximumLength, let prepared = try? SASLPreparation.prepared(bytes), !prepared.isEmpty
        else { return nil }
        return String(decoding: prepared, as: UTF8.self)
    }
}
