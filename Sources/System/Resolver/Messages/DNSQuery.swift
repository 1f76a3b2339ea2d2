/// A question as a message, with what its answer is recognized by.
///
/// Whoever cannot see the message has to guess the number, the socket's port and which letters of the name are
/// capitals (draft-vixie-dnsext-dns0x20): servers repeat the name as they got it.
package struct DNSQuery: Sendable {
    package let question: DNSQuestion
    /// Whether larger answers were asked for.
    package let usesEDNS: Bool
    /// The message.
    package let bytes: [UInt8]
    /// Where the additional section begins: behind the one question.
    private let questionEnd: Int

    /// The largest answer over UDP that is asked for: what passes every network in one piece.
    package static let maximumDatagram = 1232

    /// - Parameters:
    ///   - usesEDNS: Says that answers above 512 octets are welcome (RFC 6891).
    ///   - wantsAuthenticity: Asks the server to say whether it has validated the answer (RFC 6840 section 5.7).
    ///   - generator: Where the number and the capitals come from.
    package init(
        _ question: DNSQuestion, usesEDNS: Bool = true, wantsAuthenticity: Bool = false,
        using generator: inout some RandomNumberGenerator
    ) {
        self.question = question
        self.usesEDNS = usesEDNS
        let id = UInt16.random(in: .min ... .max, using: &generator)
        // Recursion is desired; the servers of resolv.conf are there for that.
        let flags: UInt16 = 0x0100 | (wantsAuthenticity ? 0x0020 : 0)
        var bytes: [UInt8] = []
        for field in [id, flags, 1, 0, 0, usesEDNS ? 1 : 0] { bytes.append(field: field) }
        var capitals = UInt64.random(in: .min ... .max, using: &generator)
        var left = UInt64.bitWidth
        for octet in question.name.wire {
            // A length is at most 63 and never a letter.
            guard isLetter(octet) else {
                bytes.append(octet)
                continue
            }
            if left == 0 { (capitals, left) = (UInt64.random(in: .min ... .max, using: &generator), UInt64.bitWidth) }
            bytes.append(capitals & 1 == 1 ? octet & ~0x20 : octet)
            capitals >>= 1
            left -= 1
        }
        bytes.append(field: question.type.rawValue)
        bytes.append(field: Self.internetClass)
        questionEnd = bytes.count
        if usesEDNS {
            // The root's name, OPT, the size of datagrams, no extended flags, no options.
            bytes.append(0)
            for field in [Self.optionType, UInt16(Self.maximumDatagram), 0, 0, 0] { bytes.append(field: field) }
        }
        self.bytes = bytes
    }

    static let internetClass: UInt16 = 1
    static let optionType: UInt16 = 41

    /// How well a message fits as an answer.
    package enum Match: Hashable, Sendable {
        case exact
        /// Number and question are right, the capitals are not: a server that does not keep them, or a forgery.
        case otherCapitals
        /// The number is right, and the server says that it does not understand the message.
        case notUnderstood
        case none
    }

    /// Compares number and question; what follows is not looked at.
    package func match(_ message: [UInt8]) -> Match {
        guard message.count >= 12, message[0] == bytes[0], message[1] == bytes[1] else { return .none }
        // A server may answer FORMERR with a mere header.
        if message[4] == 0, message[5] == 0, UInt16(message[3] & 15) == DNSResponse.formatError { return .notUnderstood }
        guard message.count >= questionEnd else { return .none }
        // One question. A name that is compressed here is no match: there is nothing before it to point to.
        guard message[4] == 0, message[5] == 1 else { return .none }
        let section = 12..<questionEnd
        if message[section] == bytes[section] { return .exact }
        let isSameName = zip(message[section], bytes[section]).allSatisfy { lowercased($0) == lowercased($1) }
        // Type and class have no letters, but a number among them could look like one.
        let numbers = (questionEnd - 4)..<questionEnd
        return isSameName && message[numbers] == bytes[numbers] ? .otherCapitals : .none
    }
}

extension [UInt8] {
    fileprivate mutating func append(field: UInt16) {
        append(UInt8(field >> 8))
        append(UInt8(truncatingIfNeeded: field))
    }
}
