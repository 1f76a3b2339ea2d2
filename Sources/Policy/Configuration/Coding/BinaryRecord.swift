/// A struct whose binary form is its fields one after another.
///
/// One list serves both directions, so they cannot disagree.
protocol BinaryRecord: BinaryValue {
    /// A value to fill in; what it holds does not matter.
    static var blank: Self { get }
    static var fields: [BinaryField<Self>] { get }
}

/// One field of a ``BinaryRecord``.
struct BinaryField<Root> {
    let encode: (Root, inout [UInt8]) -> Void
    let decode: (inout Root, inout ByteReader) throws(DecodingFailure) -> Void

    init<Value: BinaryValue>(_ path: WritableKeyPath<Root, Value>) {
        encode = { root, bytes in root[keyPath: path].encode(into: &bytes) }
        decode = { (root: inout Root, reader: inout ByteReader) throws(DecodingFailure) in
            root[keyPath: path] = try Value(from: &reader)
        }
    }
}

extension BinaryRecord {
    package func encode(into bytes: inout [UInt8]) {
        for field in Self.fields { field.encode(self, &bytes) }
    }

    package init(from reader: inout ByteReader) throws(DecodingFailure) {
        self = Self.blank
        for field in Self.fields { try field.decode(&self, &reader) }
    }
}
