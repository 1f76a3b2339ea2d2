import Envelopes

/// The name of a message's file in a maildir: `SECONDS.UNIQUE.HOST`.
///
/// Made from the envelope it is the same for every attempt, so a delivery repeated after a crash replaces
/// its first file and does not add a second. It holds no `/`, `:` or control character and does not begin
/// with a dot.
package struct MaildirName: Hashable, Sendable {
    package let text: String

    /// The name of an envelope's message.
    ///
    /// - Parameter created: When the envelope was created; negative times count as 0.
    package init(created: Timestamp, envelope: EnvelopeID, host: String) {
        text = "\(max(0, created.seconds)).\(envelope).\(Self.hostPart(host))"
    }

    /// The name of a message without an envelope, told from others by a random number.
    package init(now: Timestamp, random: UInt32, host: String) {
        let digits = String(random, radix: 16)
        let padding = String(repeating: "0", count: 8 - digits.utf8.count)
        text = "\(max(0, now.seconds)).\(padding)\(digits).\(Self.hostPart(host))"
    }

    /// The name while the file is being written: the process is part of it, so that two agents at work on
    /// one envelope never share a file.
    package func whileWriting(by process: Int32) -> String { "\(text).\(process)" }

    /// True for this message's file in `cur`, whatever its flags.
    func names(_ entry: String) -> Bool {
        let entry = entry.utf8
        let name = text.utf8
        guard entry.starts(with: name) else { return false }
        let rest = entry.dropFirst(name.count)
        return rest.isEmpty || rest.first == UInt8(ascii: ":")
    }

    /// The host's name with the replacements of the maildir format, at most 64 bytes.
    private static func hostPart(_ host: String) -> String {
        var result: [UInt8] = []
        for byte in host.utf8.prefix(64) {
            switch byte {
            case UInt8(ascii: "/"): result += "\\057".utf8
            case UInt8(ascii: ":"): result += "\\072".utf8
            case 0x21...0x7E: result.append(byte)
            default: result.append(UInt8(ascii: "_"))
            }
        }
        return result.isEmpty ? "localhost" : String(decoding: result, as: UTF8.self)
    }
}

/// The maildir folder of a sub-address: a dot and the sub-address made harmless, nil when nothing is left.
///
/// The sender chose it. Control characters, `/` and what a shell would notice become `:`, and leading dots
/// go, so it can neither leave the maildir nor name `.` or `..`.
package func folderName(subaddress: String) -> String? {
    var result: [UInt8] = []
    for byte in subaddress.utf8.drop(while: { $0 == UInt8(ascii: ".") }) {
        switch byte {
        case 0...0x1F, 0x7F: result.append(UInt8(ascii: ":"))
        case _ where "/!#$%&'*?`{|}~".utf8.contains(byte): result.append(UInt8(ascii: ":"))
        default: result.append(byte)
        }
    }
    // The longest name a file system takes is 255 bytes; a longer folder cannot exist.
    guard !result.isEmpty, result.count < 255 else { return nil }
    return "." + String(decoding: result, as: UTF8.self)
}
