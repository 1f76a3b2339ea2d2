import Envelopes
import MailSyntax

/// What local delivery wants to know of a message's header: has it been here, and is it marked as spam.
///
/// The text is hostile: nothing in it stops the search, and lines without a colon are skipped.
package struct MessageHeader: Sendable {
    private let bytes: ArraySlice<UInt8>

    /// - Parameter bytes: The header with LF line ends, without the empty line that ends it.
    package init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    /// The index of the empty line that ends the header, nil when it is not in the bytes.
    ///
    /// - Parameter from: Where to start; an empty line before it was looked for already.
    static func end(in bytes: [UInt8], from: Int) -> Int? {
        if bytes.first == UInt8(ascii: "\n") { return 0 }
        var index = from
        while index + 1 < bytes.count {
            if bytes[index] == UInt8(ascii: "\n"), bytes[index + 1] == UInt8(ascii: "\n") { return index + 1 }
            index += 1
        }
        return nil
    }

    /// True when a `Delivered-To` field names the address, letters compared without case: the message was
    /// delivered there before and has come back.
    package func isDelivered(to destination: MailAddress) -> Bool {
        let wanted = destination.bytes
        return containsField("delivered-to") { equalIgnoringASCIICase($0, wanted) }
    }

    /// True for `X-Spam: yes` and `X-Spam-Flag: yes`, in any case.
    package var isMarkedAsSpam: Bool {
        let yes = "yes".utf8
        return containsField("x-spam") { equalIgnoringASCIICase($0, yes) }
            || containsField("x-spam-flag") { equalIgnoringASCIICase($0, yes) }
    }

    /// Whether a field of that name has a first line, without blanks around it, that is wanted.
    private func containsField(_ name: StaticString, where isWanted: (ArraySlice<UInt8>) -> Bool) -> Bool {
        let length = name.utf8CodeUnitCount
        return name.withUTF8Buffer { name in
            for line in bytes.split(separator: UInt8(ascii: "\n")) {
                // RFC 5322 section 4.5 lets old messages have blanks before the colon.
                guard line.count > length, equalIgnoringASCIICase(line.prefix(length), name) else { continue }
                let afterName = trimmingBlanks(line.dropFirst(length))
                guard afterName.first == UInt8(ascii: ":") else { continue }
                if isWanted(trimmingBlanks(afterName.dropFirst())) { return true }
            }
            return false
        }
    }
}

/// The fields that final delivery puts before the message (RFC 5321 section 4.4, RFC 9228).
///
/// Neither address can hold a line end: ``LocalPart`` and ``Domain`` have no control characters.
package func deliveryFields(sender: ReversePath, recipient: MailAddress) -> [UInt8] {
    var result = Array("Return-Path: <".utf8)
    if let address = sender.address { result += address.bytes }
    result += ">\n".utf8
    return result + deliveredToField(recipient)
}

/// The field by which a message that comes back is known.
package func deliveredToField(_ recipient: MailAddress) -> [UInt8] {
    Array("Delivered-To: ".utf8) + recipient.bytes + [UInt8(ascii: "\n")]
}

private func trimmingBlanks(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
    let start = line.drop(while: isBlank)
    guard let last = start.lastIndex(where: { !isBlank($0) }) else { return [] }
    return start[...last]
}
