import Platform

/// CRC-32C (polynomial 0x1EDC6F41, reflected; RFC 3720 appendix B.4), eight bytes a step.
enum Checksum {
    /// - Parameter previous: The checksum of the bytes before, to go on with.
    static func crc32c(_ bytes: [UInt8], continuing previous: UInt32 = 0) -> UInt32 {
        bytes.withUnsafeBufferPointer { crc32c($0, previous) }
    }

    static func crc32c(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.withUnsafeBufferPointer { crc32c($0, 0) }
    }

    private static func crc32c(_ input: UnsafeBufferPointer<UInt8>, _ previous: UInt32) -> UInt32 {
        if ProcessorChecksum.isAvailable { return ~ProcessorChecksum.crc32c(UnsafeRawBufferPointer(input), state: ~previous) }
        return byTables(input, previous)
    }

    /// The same for processors without an instruction for it.
    static func byTables(_ input: UnsafeBufferPointer<UInt8>, _ previous: UInt32) -> UInt32 {
        tables.withUnsafeBufferPointer { table in
            let bytes = UnsafeRawBufferPointer(input)
            var crc = ~previous
            var position = 0
            // Indices into the tables are a byte plus a multiple of 256 below 2048.
            while position + 8 <= bytes.count {
                let word = bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
                let mixed = UInt64(littleEndian: word) ^ UInt64(crc)
                crc =
                    table[1792 + Int(mixed & 0xFF)] ^ table[1536 + Int(mixed >> 8 & 0xFF)]
                    ^ table[1280 + Int(mixed >> 16 & 0xFF)] ^ table[1024 + Int(mixed >> 24 & 0xFF)]
                    ^ table[768 + Int(mixed >> 32 & 0xFF)] ^ table[512 + Int(mixed >> 40 & 0xFF)]
                    ^ table[256 + Int(mixed >> 48 & 0xFF)] ^ table[Int(mixed >> 56)]
                position += 8
            }
            while position < bytes.count {
                crc = crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ bytes[position])]
                position += 1
            }
            return ~crc
        }
    }

    /// Table k holds the checksums of a byte followed by k zero bytes.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 2048)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
            tables[byte] = value
        }
        for entry in 256..<2048 {
            let before = tables[entry - 256]
            tables[entry] = before >> 8 ^ tables[Int(before & 0xFF)]
        }
        return tables
    }()
}
