/// Writes a message with LF line ends as SMTP data: CR LF, and a dot before each that begins a line (RFC
/// 5321 section 4.5.2).
package struct DataEncoder {
    private var isLineStart = true

    package init() {}

    package mutating func encode(_ message: ArraySlice<UInt8>, onto output: inout [UInt8]) {
        var rest = message
        while !rest.isEmpty {
            if isLineStart, rest.first == UInt8(ascii: ".") { output.append(UInt8(ascii: ".")) }
            guard let feed = rest.firstIndex(of: 0x0A) else {
                output += rest
                isLineStart = false
                return
            }
            output += rest[..<feed]
            output += [0x0D, 0x0A]
            isLineStart = true
            rest = rest[(feed + 1)...]
        }
    }

    /// The end of the data. The message ends with its last line's end, as all that ``MessageFilter`` makes.
    package static let end = Array(".\r\n".utf8)
}

/// Makes CR LF of every line end of an SMTP session whose lines may end in LF alone (LSB `sendmail -bs`).
package struct LineEndCompleter {
    private var isAfterReturn = false

    package init() {}

    package mutating func complete(_ input: ArraySlice<UInt8>, onto output: inout [UInt8]) {
        for byte in input {
            if byte == 0x0A, !isAfterReturn { output.append(0x0D) }
            output.append(byte)
            isAfterReturn = byte == 0x0D
        }
    }
}
