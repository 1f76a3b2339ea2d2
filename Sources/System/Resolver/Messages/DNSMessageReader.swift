/// Takes fields from a message of a stranger, in order. Every read past the end throws.
///
/// The work is bounded by the message: a name is 255 octets at most, and each pointer in it leads to an earlier
/// place than the one before.
struct DNSMessageReader {
    private let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func readUInt8() throws(MalformedMessage) -> UInt8 {
        guard position < bytes.count else { throw .truncated }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func readUInt16() throws(MalformedMessage) -> UInt16 {
        UInt16(try readUInt8()) << 8 | UInt16(try readUInt8())
    }

    mutating func readUInt32() throws(MalformedMessage) -> UInt32 {
        UInt32(try readUInt16()) << 16 | UInt32(try readUInt16())
    }

    mutating func readBytes(_ count: Int) throws(MalformedMessage) -> [UInt8] {
        guard count >= 0, count <= bytes.count - position else { throw .truncated }
        defer { position += count }
        return Array(bytes[position..<(position + count)])
    }

    /// Everything up to a place.
    ///
    /// - Throws: ``MalformedMessage/badLength`` for a place that is behind already.
    mutating func readBytes(upTo end: Int) throws(MalformedMessage) -> [UInt8] {
        guard end >= position else { throw .badLength }
        return try readBytes(end - position)
    }

    /// A name, compressed or not (RFC 1035 section 4.1.4); letters in lower case.
    mutating func readName() throws(MalformedMessage) -> DNSName {
        var wire: [UInt8] = []
        var at = position
        // Where the name began, and after a jump where it led: the next has to lead before that.
        var bound = position
        var end: Int?
        while true {
            guard at < bytes.count else { throw .truncated }
            let length = Int(bytes[at])
            switch length {
            case 0:
                wire.append(0)
                position = end ?? at + 1
                return DNSName(checkedWire: wire)
            case 1...DNSName.maximumLabel:
                guard at + length < bytes.count else { throw .truncated }
                // With the empty label at the end.
                guard wire.count + 1 + length + 1 <= DNSName.maximumLength else { throw .nameTooLong }
                wire.append(UInt8(length))
                for octet in bytes[(at + 1)...(at + length)] { wire.append(lowercased(octet)) }
                at += 1 + length
            case 0xC0...:
                guard at + 1 < bytes.count else { throw .truncated }
                let target = (length & 0x3F) << 8 | Int(bytes[at + 1])
                guard target < bound else { throw .badPointer }
                if end == nil { end = at + 2 }
                bound = target
                at = target
            default: throw .badLabel
            }
        }
    }
}
