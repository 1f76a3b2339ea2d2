import Envelopes
import Glibc
import Platform

/// Bodies in files of their own, wrapped or not.
extension LogStore {
    /// Of a body that is wrapped, since it is unwrapped in memory; more in a file is none of ours.
    static let largestWrappedBody = 1 << 30

    /// Makes the file of a reception and moves what has come into it.
    func beginBodyFile(_ reception: inout Reception, of message: MessageID) throws(SystemError) {
        let file = try device.create(Self.incomingName(message))
        reception.file = file
        let bytes = reception.bytes
        if wrapping.segment == SegmentWrapping() {
            bufferedBytes -= bytes.count
            reception.bytes = []
            try append(bytes, to: &reception)
        } else {
            let pieces = WrappedBodyFile(message.rawValue, wrapping)
            reception.pieces = pieces
            try append(pieces.header, to: &reception)
            try writePieces(&reception)
        }
    }

    /// Takes the next bytes of a body that is in a file.
    func extendBodyFile(_ reception: inout Reception, _ bytes: [UInt8]) throws(SystemError) {
        guard reception.pieces != nil else { return try append(bytes, to: &reception) }
        guard reception.size + bytes.count <= Self.largestWrappedBody else { throw SystemError("write", code: EFBIG) }
        reception.bytes += bytes
        bufferedBytes += bytes.count
        try writePieces(&reception)
    }

    /// Ends a file that is wrapped; without effect on others.
    func endBodyFile(_ reception: inout Reception) throws(SystemError) {
        guard reception.pieces != nil else { return }
        try writePieces(&reception)
        let rest = reception.bytes
        reception.bytes = []
        bufferedBytes -= rest.count
        guard let piece = reception.pieces?.piece(rest, isLast: true) else { return }
        try append(piece, to: &reception)
    }

    /// Writes what makes whole pieces, or everything when too much is kept in memory by all receptions together.
    private func writePieces(_ reception: inout Reception) throws(SystemError) {
        while reception.bytes.count >= WrappedBodyFile.pieceSize
            || !reception.bytes.isEmpty && bufferedBytes > options.bufferedBodies
        {
            let piece = Array(reception.bytes.prefix(WrappedBodyFile.pieceSize))
            reception.bytes.removeFirst(piece.count)
            bufferedBytes -= piece.count
            guard let stored = reception.pieces?.piece(piece, isLast: false) else { return }
            try append(stored, to: &reception)
        }
    }

    private func append(_ bytes: [UInt8], to reception: inout Reception) throws(SystemError) {
        guard let file = reception.file else { return }
        try device.write(bytes, to: file, at: reception.fileSize)
        reception.checksum = Checksum.crc32c(bytes, continuing: reception.checksum)
        reception.fileSize += bytes.count
    }

    // MARK: Reading

    /// The body of a file that is wrapped, in a file in memory: what is encrypted on disk never lies there in clear.
    func wrappedBodyFile(_ indexed: IndexedMessage, _ message: MessageID) throws(StoreError) -> StoredBody {
        let name = Self.largeName(message)
        guard let found = fileWrapping(of: message) else { throw .damaged("\(name): not what was written") }
        if let obstacle = wrapping.obstacle(to: found) { throw StoreError(obstacle, name) }
        let (file, memory) = try Self.converting { () throws(SystemError) in
            (try device.open(name), try Files.inMemory(named: "body").release())
        }
        let body = OwnedDescriptor(adopting: memory)
        defer { device.close(file) }
        var pieces = WrappedBodyFile.Pieces(of: message.rawValue, under: found.key, wrapping)
        var checksum: UInt32 = 0
        var offset = 0
        var size = 0
        while offset < Int(indexed.bodySize), size <= Self.largestWrappedBody {
            let bytes = try Self.converting { () throws(SystemError) in
                try device.read(file, at: offset, count: min(1 << 20, Int(indexed.bodySize) - offset))
            }
            if bytes.isEmpty { break }
            checksum = Checksum.crc32c(bytes, continuing: checksum)
            let content = try Self.unwrapping(name) { () throws(WrappingFailure) in
                try pieces.read(offset == 0 ? Array(bytes.dropFirst(WrappedBodyFile.headerSize)) : bytes)
            }
            offset += bytes.count
            size += content.count
            try Self.converting { () throws(SystemError) in try Files.writeAll(body, content) }
        }
        guard checksum == indexed.bodyChecksum, offset == Int(indexed.bodySize), pieces.isComplete, !pieces.hasRest else {
            throw .damaged("\(name): not what was written")
        }
        let raw = body.raw
        try Self.converting { () throws(SystemError) in _ = try checked("lseek") { lseek(raw, 0, SEEK_SET) } }
        return .file(body, size: Int64(size))
    }

    private static func unwrapping<Value>(
        _ name: String, _ body: () throws(WrappingFailure) -> Value
    ) throws(StoreError) -> Value {
        do throws(WrappingFailure) { return try body() } catch { throw StoreError(error, name) }
    }

    /// What the file of a body says of itself; nil when it is not there, or no such file.
    func fileWrapping(of message: MessageID) -> SegmentWrapping? {
        let name = Self.largeName(message)
        // Trouble with the file shows when it is read.
        guard let status = try? device.status(name), status.isRegular, let file = try? device.open(name) else { return nil }
        defer { device.close(file) }
        guard let header = try? device.read(file, at: 0, count: WrappedBodyFile.headerSize) else { return nil }
        return WrappedBodyFile.wrapping(of: header, message.rawValue)
    }
}
