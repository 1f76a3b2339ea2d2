import Cryptography
import Platform

/// A key as operators write it.
package enum QueueKey {
    /// Octets of a key.
    package static let length = 32
    /// Octets of what holds one, at most: hexadecimal digits and the end of the line.
    package static let longestText = 2 * length + 2

    /// Reads a key: 32 octets that are the key as they stand, or 64 hexadecimal digits; the end of a line may follow.
    ///
    /// - Throws: How long it is instead, without showing any of it.
    package static func read(_ text: borrowing SecretBytes) throws(Problem) -> SecretKey {
        var count = text.bytes.count
        // Octets of a key may be those of a line's end.
        if count != length {
            if count > 0, text.bytes[count - 1] == 0x0A { count -= 1 }
            if count > length, text.bytes[count - 1] == 0x0D { count -= 1 }
        }
        if count == length { return SecretKey(UnsafeRawBufferPointer(rebasing: text.bytes[..<count])) }
        if count == 2 * length, let key = SecretKey(hexadecimal: UnsafeRawBufferPointer(rebasing: text.bytes[..<count])) {
            return key
        }
        throw Problem(length: count)
    }

    /// It is not a key.
    package struct Problem: Error, Hashable, CustomStringConvertible {
        let length: Int
        package var description: String {
            length == 2 * QueueKey.length
                ? "a key of 64 characters must be hexadecimal" : "a key has 32 bytes or 64 hexadecimal digits, not \(length)"
        }
    }
}
