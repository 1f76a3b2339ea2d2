/// One reply of an SMTP server: code, enhanced status code, text lines (RFC 5321 section 4.2, RFC 2034).
package struct Reply: Hashable, Sendable {
    /// Three digits, 2yz to 5yz.
    package var code: UInt16
    /// `class.subject.detail` (RFC 3463), nil where RFC 2034 has none: greeting, HELO, 3yz.
    package var status: String?
    /// At least one; printable, without line ends.
    package var lines: [String]

    package init(_ code: UInt16, _ status: String? = nil, _ text: String) {
        self.init(code, status, lines: [text])
    }

    package init(_ code: UInt16, _ status: String? = nil, lines: [String]) {
        precondition((200...599).contains(code) && !lines.isEmpty, "a reply has a code of three digits and a line")
        self.code = code
        self.status = status
        self.lines = lines
    }

    package var isPositive: Bool { code < 400 }
    package var isTemporary: Bool { (400..<500).contains(code) }
    package var isPermanent: Bool { code >= 500 }

    /// The lines as on the wire, each ended by CR LF. Control characters in texts become `?`: a reply can
    /// never grow a line that the code did not give it.
    package var bytes: [UInt8] {
        var result: [UInt8] = []
        for (index, line) in lines.enumerated() {
            result += String(code).utf8
            result.append(index == lines.count - 1 ? UInt8(ascii: " ") : UInt8(ascii: "-"))
            if let status {
                result += status.utf8
                result.append(UInt8(ascii: " "))
            }
            for byte in line.utf8 { result.append(byte < 0x20 || byte == 0x7F ? UInt8(ascii: "?") : byte) }
            result += [0x0D, 0x0A]
        }
        return result
    }

    /// Code, status and text in one line, for logs.
    package var text: String {
        ([String(code)] + (status.map { [$0] } ?? []) + [lines.joined(separator: " ")]).joined(separator: " ")
    }
}
