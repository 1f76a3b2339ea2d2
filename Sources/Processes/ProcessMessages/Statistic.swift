import WireFormat

/// One line of `smtpctl show stats`, `key=value`.
package struct Statistic: WireMessage, Hashable {
    /// Words with dots between them, such as `queue.envelope`; one printable line.
    package var key: String
    /// A count since the start, or a number of things now.
    package var value: Int64

    package init(key: String, value: Int64) {
        self.key = key
        self.value = value
    }

    package func encode(into writer: inout WireWriter) {
        writer.write(line: key)
        writer.write(value)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            key: try reader.readLine(),
            value: try reader.readInt64())
    }
}
