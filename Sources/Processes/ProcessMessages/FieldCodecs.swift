/// Fields that many messages share, each checked as it is read.
import Envelopes
import WireFormat

extension WireReader {
    /// The longest name of anything: as long as the longest key a table is asked for (a user can come
    /// from a local part), in bytes.
    package static let maximumNameLength = 1023

    /// The name of a user, table, action or key pair: 1 to 1023 bytes without control characters.
    ///
    /// - Throws: ``WireError/invalid(_:)`` for any other text.
    mutating func readName() throws(WireError) -> String {
        let name = try readString()
        guard !name.isEmpty, name.utf8.count <= Self.maximumNameLength,
            name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
        else { throw .invalid("name") }
        return name
    }

    /// Text that goes to the kernel, a shell or a table: a NUL would cut it off there.
    ///
    /// - Throws: ``WireError/invalid(_:)`` for text with a NUL.
    mutating func readSystemText() throws(WireError) -> String {
        let text = try readString()
        guard !text.utf8.contains(0) else { throw .invalid("text with a NUL") }
        return text
    }

    /// A path that means the same wherever its reader stands.
    ///
    /// - Throws: ``WireError/invalid(_:)`` for a relative path or one with a NUL.
    mutating func readPath() throws(WireError) -> String {
        let path = try readSystemText()
        guard path.utf8.first == UInt8(ascii: "/") else { throw .invalid("path that is not absolute") }
        return path
    }

    /// A span of time in seconds, never negative.
    ///
    /// - Throws: ``WireError/invalid(_:)`` for a negative one.
    mutating func readDuration() throws(WireError) -> Int64 {
        let seconds = try readInt64()
        guard seconds >= 0 else { throw .invalid("negative time") }
        return seconds
    }

    /// The size of something in a file, in bytes; the kernel's own sizes are signed.
    ///
    /// - Throws: ``WireError/invalid(_:)`` above `Int64.max`.
    mutating func readFileSize() throws(WireError) -> UInt64 {
        let size = try readUInt64()
        guard size <= UInt64(Int64.max) else { throw .invalid("size of a file") }
        return size
    }

    /// A list of one element at least, and of `maximum` at most.
    ///
    /// - Throws: ``WireError/invalid(_:)`` for a list of another length, which `name` calls by its name.
    mutating func readList<Value>(
        of name: String, maximum: Int, _ body: (inout WireReader) throws(WireError) -> Value
    ) throws(WireError) -> [Value] {
        let values = try readList(body)
        guard (1...maximum).contains(values.count) else { throw .invalid("number of \(name)") }
        return values
    }
}

extension WireWriter {
    mutating func write(count: Int) { write(Int64(count)) }
}
