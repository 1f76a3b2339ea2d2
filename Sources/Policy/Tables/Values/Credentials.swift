/// A value of the `credentials` service: `user:secret`, or only the secret of the user that is the key.
///
/// The secret is a crypt(3) hash for a listener and a password for a relay; it must not be logged.
package struct Credentials: Hashable, Sendable {
    package let user: String
    package let secret: String

    /// Bytes of the whole value.
    package static let lengths = 3...2047

    package enum SyntaxError: Error, Hashable, Sendable {
        case wrongLength(Int)
        case emptyUser
        case emptySecret
    }

    /// - Parameters:
    ///   - value: As the table gave it; the secret may hold further colons.
    ///   - key: What was looked up, the user of a value without one.
    package init(_ value: String, key: String) throws(SyntaxError) {
        guard Self.lengths.contains(value.utf8.count) else { throw .wrongLength(value.utf8.count) }
        guard let colon = value.utf8.firstIndex(of: UInt8(ascii: ":")) else {
            user = key
            secret = value
            return
        }
        user = String(value[..<colon])
        secret = String(value[value.utf8.index(after: colon)...])
        guard !user.isEmpty else { throw .emptyUser }
        guard !secret.isEmpty else { throw .emptySecret }
    }
}
