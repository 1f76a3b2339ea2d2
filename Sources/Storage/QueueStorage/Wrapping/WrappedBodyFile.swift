/// The file of a big body when it is wrapped: a header, then pieces that are wrapped one by one, so that neither
/// writing nor reading takes more memory than a piece.
///
/// Each piece says whether it is the last one, and its number is authenticated: cut off, put in another order or
/// exchanged with another message's it does not open.
struct WrappedBodyFile {
    /// Bytes of a piece before it is wrapped, at most.
    static let pieceSize = 64 << 10
    static let headerSize = 28
    private static let pieceHeaderSize = 8
    private static let marker: UInt64 = 0x4D41_5254_4C45_5442  // MARTLETB
    private static let version: UInt8 = 1
    /// Beside the flags of wrapping, in the byte of a piece.
    private static let lastPiece: UInt8 = 0x80

    private let message: UInt32
    private let wrapping: PayloadWrapping
    private var pieces: UInt32 = 0

    /// Begins a file; its first bytes are ``header``.
    init(_ message: UInt32, _ wrapping: PayloadWrapping) {
        self.message = message
        self.wrapping = wrapping
    }

    var header: [UInt8] {
        var writer = RecordWriter()
        writer.write(Self.marker)
        writer.write(Self.version)
        writer.write(wrapping.segment.flags.rawValue)
        writer.write(UInt16(0))
        writer.write(message)
        writer.write(wrapping.segment.key)
        writer.write(Checksum.crc32c(writer.bytes))
        return writer.bytes
    }

    /// The next piece as it goes to the file.
    mutating func piece(_ bytes: [UInt8], isLast: Bool) -> [UInt8] {
        let stored = wrapping.wrap(bytes, as: PayloadContext(piece: pieces, isLast: isLast, of: message))
        pieces += 1
        var writer = RecordWriter()
        writer.write(UInt32(stored.bytes.count))
        writer.write(stored.flags.rawValue | (isLast ? Self.lastPiece : 0))
        writer.write(UInt8(0))
        writer.write(UInt16(0))
        return writer.bytes + stored.bytes
    }

    /// What a file says of itself; nil when it is none of these.
    static func wrapping(of header: [UInt8], _ message: UInt32) -> SegmentWrapping? {
        guard header.count == headerSize else { return nil }
        var reader = RecordReader(header)
        do throws(RecordError) {
            guard try reader.readUInt64() == marker, try reader.readUInt8() == version else { return nil }
            let flags = WrappingFlags(rawValue: try reader.readUInt8())
            guard flags.isSubset(of: .all), try reader.readUInt16() == 0, try reader.readUInt32() == message else { return nil }
            let wrapping = SegmentWrapping(flags: flags, key: try reader.readUInt64())
            guard try reader.readUInt32() == Checksum.crc32c(header[..<(headerSize - 4)]) else { return nil }
            return wrapping
        } catch {
            return nil
        }
    }

    /// Reads the pieces of a file in their order.
    struct Pieces {
        private let message: UInt32
        private let wrapping: PayloadWrapping
        private let key: UInt64
        private var number: UInt32 = 0
        private var buffer: [UInt8] = []
        /// The last piece was read.
        private(set) var isComplete = false

        init(of message: UInt32, under key: UInt64, _ wrapping: PayloadWrapping) {
            self.message = message
            self.wrapping = wrapping
            self.key = key
        }

        /// Bytes behind those that were read.
        var hasRest: Bool { !buffer.isEmpty }

        /// Takes more of the file, and gives what of the body is whole by now.
        mutating func read(_ bytes: [UInt8]) throws(WrappingFailure) -> [UInt8] {
            buffer += bytes
            var body: [UInt8] = []
            var position = 0
            while !isComplete, buffer.count - position >= WrappedBodyFile.pieceHeaderSize {
                var reader = RecordReader(buffer[position...])
                // The bytes of the header are there.
                guard let length = try? reader.readUInt32(), let mode = try? reader.readUInt8() else { throw .damaged }
                let flags = WrappingFlags(rawValue: mode & ~WrappedBodyFile.lastPiece)
                // A piece grows by little, if at all.
                guard flags.isSubset(of: .all), length <= 2 * WrappedBodyFile.pieceSize else { throw .damaged }
                let start = position + WrappedBodyFile.pieceHeaderSize
                let end = start + Int(length)
                guard buffer.count >= end else { break }
                let isLast = mode & WrappedBodyFile.lastPiece != 0
                body += try wrapping.unwrap(
                    buffer[start..<end], flags, as: PayloadContext(piece: number, isLast: isLast, of: message), key: key,
                    limit: WrappedBodyFile.pieceSize)
                number += 1
                isComplete = isLast
                position = end
            }
            buffer.removeFirst(position)
            return body
        }
    }
}
