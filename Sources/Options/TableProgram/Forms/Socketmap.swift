/// The socketmap protocol of Sendmail and Postfix: a request `NAME KEY` and a reply `STATUS VALUE`, each as a netstring,
/// which is the length in decimal, a colon, the octets and a comma.
package enum Socketmap {
    /// What a server replied.
    package enum Reply: Equatable, Sendable {
        case found([UInt8])
        case notFound
        /// `TEMP`, `TIMEOUT` or `PERM`: the server cannot say, with its reason.
        case failed(String)
    }

    /// Why a server's octets are no reply.
    package enum Problem: Error, Equatable {
        case notNetstring
        case tooLong
        case unknownStatus
    }

    /// The longest reply, in octets.
    package static let maximumReply = 100_000

    /// The octets that ask for a key.
    package static func request(map: String, key: [UInt8]) -> [UInt8] {
        let text = Array(map.utf8) + [UInt8(ascii: " ")] + key
        return Array("\(text.count):".utf8) + text + [UInt8(ascii: ",")]
    }

    /// Takes a whole reply from the beginning of what came; nil when more must come.
    package static func takeReply(from bytes: inout [UInt8]) throws(Problem) -> Reply? {
        guard let colon = bytes.prefix(7).firstIndex(of: UInt8(ascii: ":")) else {
            guard bytes.count < 7, bytes.allSatisfy(isDigit) else { throw .notNetstring }
            return nil
        }
        let digits = bytes[..<colon]
        guard !digits.isEmpty, digits.allSatisfy(isDigit) else { throw .notNetstring }
        // At most six digits.
        let count = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        guard count <= maximumReply else { throw .tooLong }
        let end = colon + 1 + count
        guard bytes.count > end else { return nil }
        guard bytes[end] == UInt8(ascii: ",") else { throw .notNetstring }
        let reply = try reply(Array(bytes[(colon + 1)..<end]))
        bytes.removeFirst(end + 1)
        return reply
    }

    private static func reply(_ text: [UInt8]) throws(Problem) -> Reply {
        let status = text.prefix { $0 != UInt8(ascii: " ") }
        let rest = Array(text[status.endIndex...].dropFirst())
        switch String(decoding: status, as: UTF8.self) {
        case "OK": return .found(rest)
        case "NOTFOUND": return .notFound
        case "TEMP", "TIMEOUT", "PERM":
            let words = String(decoding: text, as: UTF8.self)
            return .failed("the server says \(words)")
        default: throw .unknownStatus
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
