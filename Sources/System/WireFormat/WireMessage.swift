/// Values as bytes between our own processes: hand-written, symmetrical, bounded.
///
/// Knows neither descriptors nor mail. Integers travel in network order; byte strings and lists are
/// preceded by a four-byte count. A reader never believes a count that the bytes at hand cannot hold,
/// so hostile input cannot make it allocate more than it sent.
package protocol WireMessage: Sendable {
    func encode(into writer: inout WireWriter)
    init(from reader: inout WireReader) throws(WireError)
}

/// Why octets are no message.
package enum WireError: Error, Hashable, Sendable {
    case truncated
    /// A message with bytes left over.
    case trailingBytes(Int)
    /// A kind byte, enumeration or flag without a meaning.
    case unknownValue(UInt64, for: String)
    /// A value that is well formed and not allowed: an address, an id, a text that is not UTF-8.
    case invalid(String)
}

/// Collects the octets of messages.
package struct WireWriter: ~Copyable {
    /// What was written.
    package private(set) var bytes: [UInt8] = []
    /// Empty.
    package init() {}

    /// Appends a message behind its length: four octets in network order that do not count themselves.
    package mutating func writeFrame(_ message: some WireMessage) {
        let start = bytes.count
        write(UInt32(0))
        message.encode(into: &self)
        let length = bytes.count - start - 4
        precondition(length <= Int(UInt32.max), "a message exceeds four gigabytes")
        for offset in 0..<4 { bytes[start + offset] = UInt8(truncatingIfNeeded: length >> (24 - 8 * offset)) }
    }

    /// Forgets the first octets, which have been sent.
    package mutating func removeFirst(_ count: Int) {
        if count == bytes.count {
            // Room for the next batch is kept, the room of an unusual one is not.
            bytes.removeAll(keepingCapacity: bytes.capacity <= 64 << 10)
        } else {
            bytes.removeFirst(count)
        }
    }

    package mutating func write(_ value: UInt8) { bytes.append(value) }
    package mutating func write(_ value: UInt16) { writeInteger(value) }
    package mutating func write(_ value: UInt32) { writeInteger(value) }
    package mutating func write(_ value: UInt64) { writeInteger(value) }
    package mutating func write(_ value: Int64) { writeInteger(UInt64(bitPattern: value)) }
    package mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }

    package mutating func write(_ value: [UInt8]) {
        writeCount(value.count)
        bytes += value
    }

    package mutating func write(_ value: String) {
        writeCount(value.utf8.count)
        bytes += value.utf8
    }

    package mutating func write<Value>(_ value: Value?, _ body: (Value, inout WireWriter) -> Void) {
        write(value != nil)
        if let value { body(value, &self) }
    }

    package mutating func write<Value>(list values: [Value], _ body: (Value, inout WireWriter) -> Void) {
        writeCount(values.count)
        for value in values { body(value, &self) }
    }

    private mutating func writeCount(_ count: Int) {
        precondition(count <= Int(UInt32.max), "a field of a message exceeds four gigabytes")
        write(UInt32(count))
    }

    private mutating func writeInteger<Value: FixedWidthInteger & UnsignedInteger>(_ value: Value) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }
}

/// Takes values from octets in the order in which they were written. Every read throws ``WireError/truncated`` when too little is left.
package struct WireReader {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        self.position = bytes.startIndex
    }

    package init(_ bytes: [UInt8]) { self.init(bytes[...]) }

    /// Octets that have not been read.
    package var remaining: Int { bytes.endIndex - position }

    package mutating func readUInt8() throws(WireError) -> UInt8 {
        guard remaining >= 1 else { throw .truncated }
        defer { position += 1 }
        return bytes[position]
    }
    package mutating func readUInt16() throws(WireError) -> UInt16 { try readInteger() }
    package mutating func readUInt32() throws(WireError) -> UInt32 { try readInteger() }
    package mutating func readUInt64() throws(WireError) -> UInt64 { try readInteger() }
    package mutating func readInt64() throws(WireError) -> Int64 { Int64(bitPattern: try readInteger()) }

    package mutating func readBool() throws(WireError) -> Bool {
        switch try readUInt8() {
        case 0: return false
        case 1: return true
        case let other: throw .unknownValue(UInt64(other), for: "flag")
        }
    }

    package mutating func readBytes() throws(WireError) -> [UInt8] {
        let count = Int(try readUInt32())
        guard count <= remaining else { throw .truncated }
        defer { position += count }
        return Array(bytes[position..<(position + count)])
    }

    package mutating func readString() throws(WireError) -> String {
        let count = Int(try readUInt32())
        guard count <= remaining else { throw .truncated }
        let content = bytes[position..<(position + count)]
        position += count
        // A third of the time that String(validating:as:) takes, which is not specialized.
        guard let text = try? UTF8Span(validating: content.span) else { throw .invalid("text") }
        return String(copying: text)
    }

    package mutating func readOptional<Value>(
        _ body: (inout WireReader) throws(WireError) -> Value
    ) throws(WireError) -> Value? {
        try readBool() ? try body(&self) : nil
    }

    package mutating func readList<Value>(
        _ body: (inout WireReader) throws(WireError) -> Value
    ) throws(WireError) -> [Value] {
        let count = Int(try readUInt32())
        // Every element takes a byte at least.
        guard count <= remaining else { throw .truncated }
        var values: [Value] = []
        for _ in 0..<count { values.append(try body(&self)) }
        return values
    }

    /// Throws when bytes are left over.
    package func finish() throws(WireError) {
        guard remaining == 0 else { throw .trailingBytes(remaining) }
    }

    private mutating func readInteger<Value: FixedWidthInteger & UnsignedInteger>() throws(WireError) -> Value {
        let count = Value.bitWidth / 8
        guard remaining >= count else { throw .truncated }
        var value: Value = 0
        for offset in 0..<count { value = value << 8 | Value(bytes[position + offset]) }
        position += count
        return value
    }
}

extension WireMessage {
    /// The value as bytes, without a frame.
    package var encoded: [UInt8] {
        var writer = WireWriter()
        encode(into: &writer)
        return writer.bytes
    }

    /// Reads a value that fills the bytes exactly.
    package init(decoding bytes: ArraySlice<UInt8>) throws(WireError) {
        var reader = WireReader(bytes)
        try self.init(from: &reader)
        try reader.finish()
    }
}
