/// A value with one binary form, the same way in and out.
///
/// Private to one start of the daemon: the parent hands each role its view in it. There are no versions,
/// since both ends are the same program.
package protocol BinaryValue {
    /// Appends the value's bytes.
    func encode(into bytes: inout [UInt8])

    /// Takes the value's bytes from the front.
    ///
    /// - Throws: ``DecodingFailure`` for anything ``encode(into:)`` cannot have written.
    init(from reader: inout ByteReader) throws(DecodingFailure)
}

/// Why bytes are not the value asked for.
package enum DecodingFailure: Error, Hashable, Sendable {
    /// The bytes end inside the value.
    case truncated
    /// Bytes are left over after the value.
    case trailingBytes
    /// A number that stands for no case, or is out of its range.
    case invalidValue
    /// Text that is not UTF-8.
    case invalidText
    /// A key of a dictionary that came twice.
    case duplicateKey
}

extension BinaryValue {
    /// The value's bytes and nothing else.
    package var encoded: [UInt8] {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        return bytes
    }

    /// Takes all of the bytes.
    ///
    /// - Throws: ``DecodingFailure/trailingBytes`` when some are left, and what the parts throw.
    package init(decoding bytes: [UInt8]) throws(DecodingFailure) {
        var reader = ByteReader(bytes)
        try self.init(from: &reader)
        guard reader.isAtEnd else { throw .trailingBytes }
    }
}

/// Bytes being read from the front.
package struct ByteReader {
    private var rest: ArraySlice<UInt8>

    package init(_ bytes: [UInt8]) { rest = bytes[...] }

    /// Nothing is left to read.
    package var isAtEnd: Bool { rest.isEmpty }

    mutating func byte() throws(DecodingFailure) -> UInt8 {
        guard let byte = rest.popFirst() else { throw .truncated }
        return byte
    }

    mutating func take(_ count: Int) throws(DecodingFailure) -> ArraySlice<UInt8> {
        guard count >= 0, count <= rest.count else { throw .truncated }
        defer { rest = rest.dropFirst(count) }
        return rest.prefix(count)
    }

    /// A count of things of at least one byte each, so never more than there are bytes.
    mutating func count() throws(DecodingFailure) -> Int {
        let count = try UInt32(from: &self)
        guard Int(count) <= rest.count else { throw .truncated }
        return Int(count)
    }
}

// Primitives. Integers are big-endian.
extension BinaryValue where Self: FixedWidthInteger {
    package func encode(into bytes: inout [UInt8]) {
        for shift in stride(from: Self.bitWidth - 8, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: self >> Self(truncatingIfNeeded: shift)))
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        var value: Self = 0
        for byte in try reader.take(Self.bitWidth / 8) { value = value << 8 | Self(truncatingIfNeeded: byte) }
        self = value
    }
}

extension UInt16: BinaryValue {}
extension UInt32: BinaryValue {}
extension UInt64: BinaryValue {}
extension Int64: BinaryValue {}

extension UInt8: BinaryValue {
    package func encode(into bytes: inout [UInt8]) { bytes.append(self) }
    package init(from reader: inout ByteReader) throws(DecodingFailure) { self = try reader.byte() }
}

extension Int: BinaryValue {
    package func encode(into bytes: inout [UInt8]) { Int64(self).encode(into: &bytes) }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        guard let value = Int(exactly: try Int64(from: &reader)) else { throw .invalidValue }
        self = value
    }
}

extension Bool: BinaryValue {
    package func encode(into bytes: inout [UInt8]) { bytes.append(self ? 1 : 0) }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        switch try reader.byte() {
        case 0: self = false
        case 1: self = true
        default: throw .invalidValue
        }
    }
}

extension String: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        UInt32(truncatingIfNeeded: utf8.count).encode(into: &bytes)
        bytes += utf8
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        let bytes = try reader.take(try reader.count())
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .invalidText }
        self = text
    }
}

extension Optional: BinaryValue where Wrapped: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        (self != nil).encode(into: &bytes)
        self?.encode(into: &bytes)
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        self = try Bool(from: &reader) ? try Wrapped(from: &reader) : nil
    }
}

extension Array: BinaryValue where Element: BinaryValue {
    package func encode(into bytes: inout [UInt8]) {
        UInt32(truncatingIfNeeded: count).encode(into: &bytes)
        for element in self { element.encode(into: &bytes) }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        self = []
        for _ in 0..<(try reader.count()) { append(try Element(from: &reader)) }
    }
}

extension Dictionary: BinaryValue where Key == String, Value: BinaryValue {
    /// In the order of the keys, so that equal values have equal bytes.
    package func encode(into bytes: inout [UInt8]) {
        UInt32(truncatingIfNeeded: count).encode(into: &bytes)
        for (key, value) in sorted(by: { $0.key < $1.key }) {
            key.encode(into: &bytes)
            value.encode(into: &bytes)
        }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        self = [:]
        for _ in 0..<(try reader.count()) {
            let key = try String(from: &reader)
            guard updateValue(try Value(from: &reader), forKey: key) == nil else { throw .duplicateKey }
        }
    }
}

extension BinaryValue where Self: RawRepresentable, RawValue == UInt8 {
    package func encode(into bytes: inout [UInt8]) { bytes.append(rawValue) }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        guard let value = Self(rawValue: try reader.byte()) else { throw .invalidValue }
        self = value
    }
}
