import Envelopes
import MailSyntax
import WireFormat

/// Short forms on disk: counts in as few bytes as they need, addresses against a table of domains.

extension WireWriter {
    /// Seven bits a byte, the lowest first, the top bit set on all but the last.
    mutating func write(varint value: Int) {
        precondition(value >= 0, "counts and indices are not negative")
        var rest = UInt64(value)
        while rest >= 0x80 {
            write(UInt8(rest & 0x7F | 0x80))
            rest >>= 7
        }
        write(UInt8(rest))
    }

    mutating func write(short bytes: some Collection<UInt8>) {
        write(varint: bytes.count)
        for byte in bytes { write(byte) }
    }

    mutating func write(short text: String) { write(short: text.utf8) }
}

extension WireReader {
    mutating func readVarint() throws(WireError) -> Int {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try readUInt8()
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { break }
            shift += 7
            // Nothing here counts beyond 35 bits.
            guard shift < 35 else { throw .invalid("count") }
        }
        return Int(value)
    }

    mutating func readShortBytes() throws(WireError) -> [UInt8] {
        let count = try readVarint()
        guard count <= remaining else { throw .truncated }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        for _ in 0..<count { bytes.append(try readUInt8()) }
        return bytes
    }

    mutating func readShortText() throws(WireError) -> String {
        guard let text = String(validating: try readShortBytes(), as: UTF8.self) else { throw .invalid("text") }
        return text
    }

    mutating func readLocalPart() throws(WireError) -> LocalPart {
        let bytes = try readShortBytes()
        do { return try LocalPart(validating: bytes) } catch { throw .invalid("local part") }
    }

    mutating func readDomain() throws(WireError) -> Domain {
        let bytes = try readShortBytes()
        do { return try Domain(validating: bytes) } catch { throw .invalid("domain") }
    }
}

/// Values that repeat within one record, each written once and then named by its place.
struct RecordTable<Value: Hashable> {
    private(set) var values: [Value] = []
    private var places: [Value: Int] = [:]

    mutating func place(of value: Value) -> Int {
        if let place = places[value] { return place }
        places[value] = values.count
        values.append(value)
        return values.count - 1
    }
}

extension DeliveryHistory {
    func encode(into writer: inout WireWriter) {
        writer.write(attempts)
        writer.write(UInt8((lastAttempt == nil ? 0 : 1) | (lastNotice == nil ? 0 : 2) | (isSuspended ? 4 : 0)))
        if let lastAttempt { writer.write(lastAttempt.seconds) }
        if let lastNotice { writer.write(lastNotice.seconds) }
        writer.write(short: lastError)
    }

    init(from reader: inout WireReader) throws(WireError) {
        let attempts = try reader.readUInt32()
        let flags = try reader.readUInt8()
        guard flags < 8 else { throw .unknownValue(UInt64(flags), for: "history") }
        let lastAttempt = flags & 1 != 0 ? Timestamp(seconds: try reader.readInt64()) : nil
        let lastNotice = flags & 2 != 0 ? Timestamp(seconds: try reader.readInt64()) : nil
        self.init(
            attempts: attempts, lastAttempt: lastAttempt, lastNotice: lastNotice,
            lastError: try reader.readShortText(), isSuspended: flags & 4 != 0)
    }
}
