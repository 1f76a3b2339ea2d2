/// How payloads are wrapped before they go to the disk: compressed, then encrypted, each of them or neither.
///
/// Every record says for itself how it is wrapped, so that what was written before an option was switched on or off
/// stays readable. What tells how and to whom a message goes is wrapped, and the message; ids, times and counts are
/// not, nor that something is gone.
package struct PayloadWrapping: Sendable {
    /// Reads what is compressed, whether or not new payloads shall be.
    package var compressor: any PayloadCompressor
    /// Whether new payloads are compressed where that makes them shorter.
    package var compresses: Bool
    /// Encrypts new payloads; nil leaves them as they are.
    package var cipher: (any PayloadCipher)?
    /// Keys that older payloads may be encrypted with.
    package var formerCiphers: [any PayloadCipher]

    /// Shorter payloads stay as they are: nothing would be gained.
    static let shortestCompressed = 128

    package init(
        compressor: any PayloadCompressor = NoCompressor(), compresses: Bool = false,
        cipher: (any PayloadCipher)? = nil, formerCiphers: [any PayloadCipher] = []
    ) {
        self.compressor = compressor
        self.compresses = compresses && compressor.isAvailable
        self.cipher = cipher
        self.formerCiphers = formerCiphers
    }

    /// What a segment that is written with this says of itself.
    var segment: SegmentWrapping {
        var flags: WrappingFlags = []
        if compresses { flags.insert(.compressed) }
        if cipher != nil { flags.insert(.encrypted) }
        return SegmentWrapping(flags: flags, key: cipher?.identifier ?? 0)
    }

    /// All keys, the present one first.
    var ciphers: [any PayloadCipher] { (cipher.map { [$0] } ?? []) + formerCiphers }

    func cipher(named identifier: UInt64) -> (any PayloadCipher)? { ciphers.first { $0.identifier == identifier } }

    /// Adds the keys of another wrapping to those that are read.
    mutating func keepKeys(of other: PayloadWrapping) {
        for cipher in other.ciphers where self.cipher(named: cipher.identifier) == nil { formerCiphers.append(cipher) }
    }
}

/// In which ways a payload is wrapped; as a byte on disk.
struct WrappingFlags: OptionSet, Hashable, Sendable {
    let rawValue: UInt8
    static let compressed = WrappingFlags(rawValue: 1)
    static let encrypted = WrappingFlags(rawValue: 2)
    static let all: WrappingFlags = [.compressed, .encrypted]
}

/// What a segment, or the file of a body, may hold: ways of wrapping, and the key if there is one.
struct SegmentWrapping: Hashable, Sendable {
    var flags: WrappingFlags = []
    /// Zero for none.
    var key: UInt64 = 0
}

/// A payload as it stands on disk.
struct StoredPayload: Equatable, Sendable {
    var bytes: [UInt8]
    var flags: WrappingFlags = []
}

/// Why a payload cannot be unwrapped.
enum WrappingFailure: Error, Hashable {
    /// It is encrypted, and no key opens it.
    case noKey
    /// It is compressed, and this build cannot read that.
    case noCompressor
    /// It is not what was written.
    case damaged
}

extension PayloadWrapping {
    /// The payload as it goes to disk.
    ///
    /// - Parameter context: What it is, so that it opens at this place alone.
    func wrap(_ payload: [UInt8], as context: PayloadContext) -> StoredPayload {
        var stored = StoredPayload(bytes: payload)
        if compresses, payload.count >= Self.shortestCompressed, let shorter = compressor.compress(payload),
            shorter.count + 4 < payload.count
        {
            var writer = RecordWriter()
            writer.write(UInt32(payload.count))
            stored = StoredPayload(bytes: writer.bytes + shorter, flags: .compressed)
        }
        if let cipher {
            let flags = stored.flags.union(.encrypted)
            stored = StoredPayload(bytes: cipher.seal(stored.bytes, context: context.bytes(flags)), flags: flags)
        }
        return stored
    }

    /// The payload behind what was read.
    ///
    /// - Parameters:
    ///   - key: The identifier of the key it is most likely under; zero for any.
    ///   - limit: Above which a payload is none of ours.
    func unwrap(
        _ bytes: ArraySlice<UInt8>, _ flags: WrappingFlags, as context: PayloadContext, key: UInt64, limit: Int
    ) throws(WrappingFailure) -> [UInt8] {
        var bytes = bytes
        if flags.contains(.encrypted) { bytes = try open(bytes, context.bytes(flags), key)[...] }
        guard flags.contains(.compressed) else { return Array(bytes) }
        guard compressor.isAvailable else { throw .noCompressor }
        var reader = RecordReader(bytes)
        guard let size = try? reader.readUInt32(), size <= limit,
            let payload = compressor.expand(bytes.dropFirst(4), size: Int(size))
        else { throw .damaged }
        return payload
    }

    private func open(_ bytes: ArraySlice<UInt8>, _ context: [UInt8], _ key: UInt64) throws(WrappingFailure) -> [UInt8] {
        if key != 0 {
            guard let cipher = cipher(named: key) else { throw .noKey }
            guard let payload = cipher.open(bytes, context: context) else { throw .damaged }
            return payload
        }
        let ciphers = ciphers
        guard !ciphers.isEmpty else { throw .noKey }
        for cipher in ciphers {
            if let payload = cipher.open(bytes, context: context) { return payload }
        }
        throw .damaged
    }

    /// Nil when what says this of itself can be read.
    func obstacle(to wrapping: SegmentWrapping) -> WrappingFailure? {
        if wrapping.flags.contains(.encrypted), cipher(named: wrapping.key) == nil { return .noKey }
        if wrapping.flags.contains(.compressed), !compressor.isAvailable { return .noCompressor }
        return nil
    }
}

/// What a payload is: authenticated along with it, so that nobody can put one in the place of another.
struct PayloadContext {
    private let start: [UInt8]

    /// A record about a message.
    init(_ kind: RecordHeader.Kind, of message: UInt32) {
        var writer = RecordWriter()
        writer.write(kind.rawValue)
        writer.write(message)
        start = writer.bytes
    }

    /// A piece of a body in a file of its own.
    init(piece: UInt32, isLast: Bool, of message: UInt32) {
        var writer = RecordWriter()
        // No kind of record has this number.
        writer.write(UInt8(0xFF))
        writer.write(message)
        writer.write(piece)
        writer.write(isLast)
        start = writer.bytes
    }

    /// Something else, with a first byte that is no kind of record's.
    init(start: [UInt8]) { self.start = start }

    func bytes(_ flags: WrappingFlags) -> [UInt8] { start + [flags.rawValue] }
}
