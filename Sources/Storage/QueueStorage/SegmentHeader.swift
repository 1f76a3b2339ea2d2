
/// The first page of a segment file, kept twice in it.
///
/// A segment is the file `segments/NNNNNNNN`, its sequence number in hexadecimal. After the page come records
/// without holes up to the end of the last durable one. The header of the *next* segment says where that is, so
/// bytes of a flush that failed are never read again.
struct SegmentHeader: Equatable {
    var version: UInt32
    var sequence: UInt32
    /// Stands in every record of this segment.
    var salt: UInt64
    /// The segment that was written before this one, zero for none.
    var previousSequence: UInt32
    /// Where its records end.
    var previousEnd: Int
    /// How payloads of this segment may be wrapped, and the key of those that are encrypted.
    var wrapping = SegmentWrapping()

    /// Segments without anything wrapped are of version 1, which has no extension.
    static let currentVersion: UInt32 = 2
    /// Where records begin.
    static let size = 4096
    private static let copyOffset = 2048
    private static let marker: UInt64 = 0x4D41_5254_4C45_5451  // MARTLETQ
    private static let fieldSize = 36
    /// With what version 2 adds: behind the fields of version 1, so that older programs understand that it is newer.
    private static let extendedSize = 56

    var encoded: [UInt8] {
        var writer = RecordWriter()
        writer.write(Self.marker)
        writer.write(version)
        writer.write(sequence)
        writer.write(salt)
        writer.write(previousSequence)
        writer.write(UInt32(previousEnd))
        writer.write(Checksum.crc32c(writer.bytes))
        var page = [UInt8](repeating: 0, count: Self.size)
        if version > 1 {
            writer.write(UInt32(wrapping.flags.rawValue))
            writer.write(wrapping.key)
            writer.write(UInt32(0))
            writer.write(Checksum.crc32c(writer.bytes))
        }
        page.replaceSubrange(0..<writer.bytes.count, with: writer.bytes)
        page.replaceSubrange(Self.copyOffset..<(Self.copyOffset + writer.bytes.count), with: writer.bytes)
        return page
    }

    /// Reads whichever copy is sound; nil when neither is. Of a newer version only ``version`` means anything.
    init?(page: [UInt8]) {
        for start in [0, Self.copyOffset] where page.count >= start + Self.extendedSize {
            if let header = Self(copy: page[start..<(start + Self.extendedSize)]) {
                self = header
                return
            }
        }
        return nil
    }

    init(
        sequence: UInt32, salt: UInt64, previousSequence: UInt32, previousEnd: Int, wrapping: SegmentWrapping = SegmentWrapping()
    ) {
        version = wrapping == SegmentWrapping() ? 1 : 2
        self.wrapping = wrapping
        self.sequence = sequence
        self.salt = salt
        self.previousSequence = previousSequence
        self.previousEnd = previousEnd
    }

    private init?(copy: ArraySlice<UInt8>) {
        var reader = RecordReader(copy)
        do {
            guard try reader.readUInt64() == Self.marker else { return nil }
            version = try reader.readUInt32()
            sequence = try reader.readUInt32()
            salt = try reader.readUInt64()
            previousSequence = try reader.readUInt32()
            previousEnd = Int(try reader.readUInt32())
            guard try reader.readUInt32() == Checksum.crc32c(copy.prefix(Self.fieldSize - 4)) else { return nil }
            guard version == 2 else { return }
            let flags = UInt8(exactly: try reader.readUInt32()).map(WrappingFlags.init)
            wrapping.key = try reader.readUInt64()
            guard try reader.readUInt32() == 0, let flags, flags.isSubset(of: .all) else { return nil }
            wrapping.flags = flags
            guard try reader.readUInt32() == Checksum.crc32c(copy.dropLast(4)) else { return nil }
        } catch {
            return nil
        }
    }
}

/// The last bytes of a segment file once its summary is written: where that is.
struct SegmentTrailer: Equatable {
    var salt: UInt64
    /// The end of the records, where the summary begins.
    var end: Int
    /// Above the number of every batch in the segment.
    var nextBatch: UInt32

    static let size = 32
    private static let marker: UInt64 = 0x4D41_5254_4C45_5453  // MARTLETS

    var encoded: [UInt8] {
        var writer = RecordWriter()
        writer.write(Self.marker)
        writer.write(salt)
        writer.write(UInt32(end))
        writer.write(nextBatch)
        writer.write(UInt32(0))
        writer.write(Checksum.crc32c(writer.bytes))
        return writer.bytes
    }

    init(salt: UInt64, end: Int, nextBatch: UInt32) {
        self.salt = salt
        self.end = end
        self.nextBatch = nextBatch
    }

    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.size else { return nil }
        var reader = RecordReader(bytes)
        do {
            guard try reader.readUInt64() == Self.marker else { return nil }
            salt = try reader.readUInt64()
            end = Int(try reader.readUInt32())
            nextBatch = try reader.readUInt32()
            guard try reader.readUInt32() == 0 else { return nil }
            guard try reader.readUInt32() == Checksum.crc32c(bytes[..<(Self.size - 4)]) else { return nil }
        } catch {
            return nil
        }
    }
}
