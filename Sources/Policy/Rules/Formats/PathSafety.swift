import MailSyntax

/// What of a foreign value may stand in a path or a command.
///
/// Senders and recipients are chosen by strangers; quoted local parts hold any printable character.
package enum PathSafety {
    /// The value as part of one path component: without slashes, control characters and leading dots, so
    /// that it can neither leave its directory nor hide.
    package static func component(_ bytes: [UInt8]) -> [UInt8] {
        Array(
            bytes.filter { $0 != UInt8(ascii: "/") && $0 >= 0x20 && $0 != 0x7F }.drop { $0 == UInt8(ascii: ".") })
    }

    /// The value as part of a word for a shell: what means something to a shell or in a path becomes a
    /// colon, and so does a `-` or `.` in the first place, so that no value is read as an option.
    package static func word(_ bytes: [UInt8]) -> [UInt8] {
        var isStart = true
        return bytes.map { byte in
            let isLeading = isStart && (byte == UInt8(ascii: "-") || byte == UInt8(ascii: "."))
            isStart = isStart && isLeading
            return isPlain(byte) && !isLeading ? byte : UInt8(ascii: ":")
        }
    }

    /// True when a shell reads the path as it is, blanks aside if it is in quotes. User bases may be filled
    /// by others than the administrator.
    package static func isPlainPath(_ bytes: [UInt8]) -> Bool {
        bytes.allSatisfy { isPlain($0) || $0 == UInt8(ascii: "/") || $0 == 0x20 }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        if isASCIIAlphanumeric(byte) || byte >= 0x80 { return true }
        switch byte {
        case UInt8(ascii: "@"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"),
            UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: ","):
            return true
        default:
            return false
        }
    }
}
