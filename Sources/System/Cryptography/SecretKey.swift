import COpenSSL
import Platform

/// A key that leaves no trace in memory when it is forgotten.
package final class SecretKey: Sendable {
    private let secret: SecretBytes

    /// A copy of the octets.
    package init(_ octets: UnsafeRawBufferPointer) {
        secret = Self.filled(octets.count) { $0.copyMemory(from: octets) }
    }

    /// The octets that hexadecimal digits stand for; nil when they are none, or an odd number of them.
    package convenience init?(hexadecimal digits: UnsafeRawBufferPointer) {
        func value(_ digit: UInt8) -> UInt8? {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
            default: nil
            }
        }
        guard digits.count % 2 == 0, digits.allSatisfy({ value($0) != nil }) else { return nil }
        self.init(count: digits.count / 2) { room in
            for place in 0..<(digits.count / 2) {
                room[place] = (value(digits[2 * place]) ?? 0) << 4 | (value(digits[2 * place + 1]) ?? 0)
            }
        }
    }

    private init(count: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void) {
        secret = Self.filled(count, fill)
    }

    private static func filled(_ count: Int, _ fill: (UnsafeMutableRawBufferPointer) -> Void) -> SecretBytes {
        do throws(SystemError) {
            return try SecretBytes(room: count) { room throws(SystemError) in
                fill(UnsafeMutableRawBufferPointer(rebasing: room[..<count]))
                return count
            }
        } catch {
            preconditionFailure("nothing here fails: \(error)")
        }
    }

    /// HMAC-SHA-256 (RFC 2104) of a message with this key.
    package func authenticate(_ message: [UInt8]) -> [UInt8] {
        var count: UInt32 = 0
        let key = secret.bytes
        let result = [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { buffer, initialized in
            // All buffers live through the call, and the output has the room of the largest hash.
            let made = HMAC(EVP_sha256(), key.baseAddress, Int32(key.count), message, message.count, buffer.baseAddress, &count)
            initialized = made == nil ? 0 : Int(count)
        }
        precondition(result.count == 32, "libcrypto gave no hash")
        return result
    }
}
