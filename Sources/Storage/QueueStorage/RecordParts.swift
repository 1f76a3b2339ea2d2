import Envelopes
import MailSyntax

/// Parts of records: addresses, tables of what repeats, histories.

extension RecordReader {
    mutating func readLocalPart() throws(RecordError) -> LocalPart {
        let bytes = try readShortBytes()
        do { return try LocalPart(validating: bytes) } catch { throw .invalid("local part") }
    }

    mutating func readDomain() throws(RecordError) -> Domain {
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
    func encode(into writer: inout RecordWriter) {
        writer.write(attempts)
        writer.write(UInt8((lastAttempt == nil ? 0 : 1) | (lastNotice == nil ? 0 : 2) | (isSuspended ? 4 : 0)))
        if let lastAttempt { writer.write(lastAttempt.seconds) }
        if let lastNotice { writer.write(lastNotice.seconds) }
        writer.write(short: lastError)
    }

    init(from reader: inout RecordReader) throws(RecordError) {
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
