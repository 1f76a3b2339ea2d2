/// The layout of a file of the history: a header, then blocks, each with the events of about a second.
///
/// Nothing is ever changed in a file. A block that is torn or damaged costs its own events: what reads goes on at the next
/// one, which it knows by the salt of the file, a number that nobody outside can put into a block.
struct HistoryFileHeader: Equatable {
    /// What stands before each block.
    var salt: UInt64
    /// How blocks may be wrapped, and the key of those that are encrypted.
    var wrapping: SegmentWrapping

    static let size = 32
    private static let marker: UInt64 = 0x4D41_5254_4C45_5448  // MARTLETH
    private static let version: UInt8 = 1

    init(salt: UInt64, wrapping: SegmentWrapping) {
        self.salt = salt
        self.wrapping = wrapping
    }

    var encoded: [UInt8] {
        var writer = RecordWriter()
        writer.write(Self.marker)
        writer.write(Self.version)
        writer.write(wrapping.flags.rawValue)
        writer.write(UInt16(0))
        writer.write(wrapping.key)
        writer.write(salt)
        writer.write(Checksum.crc32c(writer.bytes))
        return writer.bytes
    }

    /// Nil for what is none, or of another version.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.size else { return nil }
        var reader = RecordReader(bytes)
        do throws(RecordError) {
            guard try reader.readUInt64() == Self.marker, try reader.readUInt8() == Self.version else { return nil }
            let flags = WrappingFlags(rawValue: try reader.readUInt8())
            guard flags.isSubset(of: .all), try reader.readUInt16() == 0 else { return nil }
            wrapping = SegmentWrapping(flags: flags, key: try reader.readUInt64())
            salt = try reader.readUInt64()
            guard try reader.readUInt32() == Checksum.crc32c(bytes[..<(Self.size - 4)]) else { return nil }
        } catch {
            return nil
        }
    }
}

/// What stands before the payload of a block.
struct HistoryBlockHeader: Equatable {
    /// Of the payload as it stands on disk.
    var length: Int
    var flags: WrappingFlags
    /// Of the header before it and the payload.
    private var checksum: UInt32

    static let size = 20
    /// Bytes of a payload, unwrapped or not: what has come is written before it is more.
    static let maximumLength = 128 << 10

    private static func start(_ salt: UInt64, _ length: Int, _ flags: WrappingFlags) -> RecordWriter {
        var writer = RecordWriter()
        writer.write(salt)
        writer.write(UInt32(length))
        writer.write(flags.rawValue)
        writer.write(UInt8(0))
        writer.write(UInt16(0))
        return writer
    }

    /// A whole block.
    static func block(_ payload: StoredPayload, salt: UInt64) -> [UInt8] {
        var writer = start(salt, payload.bytes.count, payload.flags)
        let checksum = Checksum.crc32c(payload.bytes, continuing: Checksum.crc32c(writer.bytes))
        writer.write(checksum)
        return writer.bytes + payload.bytes
    }

    /// Nil for what is none of a file with this salt.
    init?(_ bytes: ArraySlice<UInt8>, salt: UInt64) {
        var reader = RecordReader(bytes)
        do throws(RecordError) {
            guard try reader.readUInt64() == salt else { return nil }
            length = Int(try reader.readUInt32())
            flags = WrappingFlags(rawValue: try reader.readUInt8())
            guard try reader.readUInt8() == 0, try reader.readUInt16() == 0 else { return nil }
            checksum = try reader.readUInt32()
        } catch {
            return nil
        }
        guard length <= Self.maximumLength, flags.isSubset(of: .all) else { return nil }
    }

    func fits(_ payload: [UInt8], salt: UInt64) -> Bool {
        Checksum.crc32c(payload, continuing: Checksum.crc32c(Self.start(salt, length, flags).bytes)) == checksum
    }
}

extension PayloadContext {
    /// A block of the history, at its place in its file.
    init(historyBlockAt offset: Int, salt: UInt64) {
        var writer = RecordWriter()
        // No kind of record has this number.
        writer.write(UInt8(0xFE))
        writer.write(salt)
        writer.write(UInt64(offset))
        self.init(start: writer.bytes)
    }
}
