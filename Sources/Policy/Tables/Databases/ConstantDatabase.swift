/// The format of `db` tables: a constant database in the public cdb format, which other mail servers and their tools
/// read and write.
///
/// A header of 256 pairs (place, slots), the records, and 256 hash tables of pairs (hash, place of the record); all
/// numbers have 32 bits, the little end first. A look-up costs three or four small reads whatever the size.
/// Keys of ours are in lower case and end without a NUL.
package enum ConstantDatabase {
    /// Bytes of a file, by the width of its numbers.
    package static let maximumSize = Int(UInt32.max)
    static let headerSize = 256 * 8
    /// The longest key or value that is read, in bytes.
    package static let maximumValue = 1 << 20

    /// What is wrong with a file.
    package enum Failure: Error, Hashable, Sendable {
        /// A header that points beyond the file, or none.
        case notADatabase
        /// A record or hash table that points to where it must not.
        case damaged
        /// The file could not be read there; the reason is the reader's.
        case unreadable(String)

        package var reason: String {
            switch self {
            case .notADatabase: "not a constant database"
            case .damaged: "damaged"
            case .unreadable(let reason): reason
            }
        }
    }

    /// The hash of a key.
    static func hash(_ key: some Sequence<UInt8>) -> UInt32 { key.reduce(5_381) { (($0 << 5) &+ $0) ^ UInt32($1) } }

    static func number(_ bytes: some Collection<UInt8>) -> Int {
        bytes.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    /// A whole file of records, in their order.
    ///
    /// - Returns: Nil when it would be larger than ``maximumSize``.
    package static func file(_ records: [(key: [UInt8], value: [UInt8])]) -> [UInt8]? {
        var size = headerSize
        for record in records { size += 8 + record.key.count + record.value.count + 16 }
        guard size <= maximumSize else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        bytes.append(contentsOf: repeatElement(0, count: headerSize))
        var tables = [[(hash: UInt32, place: Int)]](repeating: [], count: 256)
        for record in records {
            let hash = hash(record.key)
            tables[Int(hash & 255)].append((hash, bytes.count))
            append(record.key.count, to: &bytes)
            append(record.value.count, to: &bytes)
            bytes += record.key
            bytes += record.value
        }
        for (index, entries) in tables.enumerated() {
            var header: [UInt8] = []
            append(bytes.count, to: &header)
            append(entries.count * 2, to: &header)
            bytes.replaceSubrange(index * 8..<index * 8 + 8, with: header)
            var slots = [(hash: UInt32, place: Int)](repeating: (0, 0), count: entries.count * 2)
            for entry in entries {
                var slot = Int(entry.hash >> 8) % slots.count
                while slots[slot].place != 0 { slot = (slot + 1) % slots.count }
                slots[slot] = entry
            }
            for slot in slots {
                append(Int(slot.hash), to: &bytes)
                append(slot.place, to: &bytes)
            }
        }
        return bytes
    }

    /// A number that fits into 32 bits, as everything in a file of ``maximumSize`` does.
    private static func append(_ number: Int, to bytes: inout [UInt8]) {
        for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }
}

/// A constant database that is read piece by piece; the pieces come from the caller, who has the file.
///
/// The file is not trusted: every place is checked, and a chain of hash slots has an end.
package struct ConstantDatabaseReader: Sendable {
    /// Reads so many bytes from a place; fewer only where the file ends.
    package typealias Source = (_ offset: Int, _ count: Int) throws(ConstantDatabase.Failure) -> [UInt8]

    private let size: Int
    private let tables: [(place: Int, slots: Int)]

    /// Slots that are looked at for one key: a file that was made well needs a few.
    private static let maximumProbes = 10_000
    /// Slots that are read at once.
    private static let slotsAtOnce = 32

    /// - Parameter size: That of the file.
    package init(size: Int, _ source: Source) throws(ConstantDatabase.Failure) {
        guard size >= ConstantDatabase.headerSize, size <= ConstantDatabase.maximumSize else { throw .notADatabase }
        let header = try source(0, ConstantDatabase.headerSize)
        guard header.count == ConstantDatabase.headerSize else { throw .notADatabase }
        self.size = size
        var tables: [(place: Int, slots: Int)] = []
        for offset in stride(from: 0, to: header.count, by: 8) {
            let place = ConstantDatabase.number(header[offset...])
            let slots = ConstantDatabase.number(header[(offset + 4)...])
            guard place >= ConstantDatabase.headerSize, place <= size, slots <= (size - place) / 8 else { throw .notADatabase }
            tables.append((place, slots))
        }
        self.tables = tables
    }

    /// The value of a key; nil when there is none.
    package func value(of key: [UInt8], _ source: Source) throws(ConstantDatabase.Failure) -> [UInt8]? {
        let hash = ConstantDatabase.hash(key)
        let (place, slots) = tables[Int(hash & 255)]
        guard slots > 0 else { return nil }
        var slot = Int(hash >> 8) % slots
        var left = min(slots, Self.maximumProbes)
        while left > 0 {
            let count = min(Self.slotsAtOnce, slots - slot, left)
            let bytes = try source(place + slot * 8, count * 8)
            guard bytes.count == count * 8 else { throw .damaged }
            for offset in stride(from: 0, to: bytes.count, by: 8) {
                let record = ConstantDatabase.number(bytes[(offset + 4)...])
                if record == 0 { return nil }
                guard ConstantDatabase.number(bytes[offset...]) == Int(hash) else { continue }
                let found = try self.record(at: record, keyLength: key.count, source)
                if let found, found.key == key { return found.value }
            }
            left -= count
            slot = (slot + count) % slots
        }
        if slots > Self.maximumProbes { throw .damaged }
        return nil
    }

    /// Every record, in the order in which they were written.
    ///
    /// - Parameter limit: Bytes of records; a file with more is ``ConstantDatabase/Failure/damaged``.
    package func records(limit: Int, _ source: Source) throws(ConstantDatabase.Failure) -> [(key: [UInt8], value: [UInt8])] {
        // The tables follow the records.
        let end = tables.map(\.place).min() ?? ConstantDatabase.headerSize
        guard end - ConstantDatabase.headerSize <= limit else { throw .damaged }
        let bytes = try source(ConstantDatabase.headerSize, end - ConstantDatabase.headerSize)
        guard bytes.count == end - ConstantDatabase.headerSize else { throw .damaged }
        var records: [(key: [UInt8], value: [UInt8])] = []
        var offset = 0
        while offset < bytes.count {
            guard bytes.count - offset >= 8 else { throw .damaged }
            let keyLength = ConstantDatabase.number(bytes[offset...])
            let valueLength = ConstantDatabase.number(bytes[(offset + 4)...])
            offset += 8
            guard keyLength + valueLength <= bytes.count - offset else { throw .damaged }
            let middle = offset + keyLength
            records.append((Array(bytes[offset..<middle]), Array(bytes[middle..<middle + valueLength])))
            offset = middle + valueLength
        }
        return records
    }

    /// The record at a place; nil when its key has another length.
    private func record(
        at place: Int, keyLength: Int, _ source: Source
    ) throws(ConstantDatabase.Failure) -> (key: [UInt8], value: [UInt8])? {
        guard place >= ConstantDatabase.headerSize, place <= size - 8 else { throw .damaged }
        let lengths = try source(place, 8)
        guard lengths.count == 8 else { throw .damaged }
        guard ConstantDatabase.number(lengths) == keyLength else { return nil }
        let valueLength = ConstantDatabase.number(lengths[4...])
        guard valueLength <= ConstantDatabase.maximumValue, keyLength + valueLength <= size - place - 8 else { throw .damaged }
        let bytes = try source(place + 8, keyLength + valueLength)
        guard bytes.count == keyLength + valueLength else { throw .damaged }
        return (Array(bytes[..<keyLength]), Array(bytes[keyLength...]))
    }
}
