/// Values as bytes in the log: fixed integers in network order, counts and texts in short form.
///
/// Unlike the format between processes this one outlives the program, and it is read a hundred thousand records at
/// a start; so it is its own, and each payload begins with a version of its own where it may have to change.
struct RecordWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write(_ value: UInt8) { bytes.append(value) }
    mutating func write(_ value: UInt16) { writeInteger(value) }
    mutating func write(_ value: UInt32) { writeInteger(value) }
    mutating func write(_ value: UInt64) { writeInteger(value) }
    mutating func write(_ value: Int64) { writeInteger(UInt64(bitPattern: value)) }
    mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }

    /// Seven bits a byte, the lowest first, the top bit set on all but the last.
    mutating func write(varint value: Int) {
        precondition(value >= 0, "counts and indices are not negative")
        var rest = UInt64(value)
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F | 0x80))
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func write(short value: [UInt8]) {
        write(varint: value.count)
        bytes += value
    }

    mutating func write(short text: String) {
        write(varint: text.utf8.count)
        bytes += text.utf8
    }

    @inline(__always)
    private mutating func writeInteger<Value: FixedWidthInteger & UnsignedInteger>(_ value: Value) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }
}

/// Why a payload cannot be read although its checksum is right: a newer version wrote it, or a defect.
enum RecordError: Error, Hashable {
    case truncated
    case trailingBytes
    /// The text says of what.
    case unknownValue(UInt64, for: String)
    case invalid(String)
}

struct RecordReader {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    var remaining: Int { bytes.endIndex - position }

    @inline(__always) mutating func readUInt8() throws(RecordError) -> UInt8 {
        guard position < bytes.endIndex else { throw .truncated }
        defer { position += 1 }
        return bytes[position]
    }
    @inline(__always) mutating func readUInt16() throws(RecordError) -> UInt16 { try readInteger() }
    @inline(__always) mutating func readUInt32() throws(RecordError) -> UInt32 { try readInteger() }
    @inline(__always) mutating func readUInt64() throws(RecordError) -> UInt64 { try readInteger() }
    mutating func readInt64() throws(RecordError) -> Int64 { Int64(bitPattern: try readInteger()) }

    mutating func readBool() throws(RecordError) -> Bool {
        switch try readUInt8() {
        case 0: return false
        case 1: return true
        case let other: throw .unknownValue(UInt64(other), for: "flag")
        }
    }

    mutating func readVarint() throws(RecordError) -> Int {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try readUInt8()
            value |= UInt64(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return Int(value) }
            shift += 7
            // Nothing here counts beyond 35 bits.
            guard shift < 35 else { throw .invalid("count") }
        }
    }

    /// A number of things that take a byte each at least.
    mutating func readCount() throws(RecordError) -> Int {
        let count = try readVarint()
        guard count <= remaining else { throw .truncated }
        return count
    }

    mutating func readShortBytes() throws(RecordError) -> [UInt8] {
        let count = try readCount()
        defer { position += count }
        return Array(bytes[position..<(position + count)])
    }

    mutating func readShortText() throws(RecordError) -> String {
        let count = try readCount()
        // A third of the time that String(validating:as:) takes, which is not specialized.
        guard let text = try? UTF8Span(validating: bytes[position..<(position + count)].span) else {
            throw .invalid("text")
        }
        position += count
        return String(copying: text)
    }

    /// Passes over bytes that need no look.
    mutating func skip(_ count: Int) throws(RecordError) {
        guard count >= 0, count <= remaining else { throw .truncated }
        position += count
    }

    /// Throws when bytes are left over.
    func finish() throws(RecordError) {
        guard remaining == 0 else { throw .trailingBytes }
    }

    @inline(__always)
    private mutating func readInteger<Value: FixedWidthInteger & UnsignedInteger>() throws(RecordError) -> Value {
        let size = MemoryLayout<Value>.size
        guard remaining >= size else { throw .truncated }
        let start = position - bytes.startIndex
        position += size
        return Value(bigEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start, as: Value.self) })
    }
}
