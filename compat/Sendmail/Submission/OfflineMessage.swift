import WireFormat

/// A file of the offline directory: eight bytes that name the format, eight of the message's length, the
/// envelope preceded by four bytes of its length, the message with LF line ends.
///
/// Any user can have such a file written, and a rootless installation's user can write what he likes, so
/// reading believes nothing. Who handed the message in is the owner of the file, not a field of it.
package struct OfflineMessage: Hashable, Sendable {
    package let envelope: SubmissionEnvelope
    /// Where the message begins, from the start of the file.
    package let messageOffset: Int
    package let messageLength: Int

    /// The longest envelope, in bytes: 10,000 recipients of usual length.
    package static let longestEnvelope = 1 << 20
    /// The longest message, in bytes. The daemon applies its own limit when it takes the file.
    package static let longestMessage = 256 << 20
    /// A reader needs this much of a file, or all of a shorter one.
    package static let longestPreamble = prefixLength + longestEnvelope

    /// Bytes before the envelope.
    package static let prefixLength = 20
    /// Where the length of the message stands, to be written when it is known.
    package static let lengthOffset = 8
    private static let format = Array("martlet\u{1}".utf8)

    /// Reads the beginning of a file.
    ///
    /// - Parameters:
    ///   - beginning: The first ``longestPreamble`` bytes, or the whole file.
    ///   - fileSize: The size of the file, which must be that of its parts exactly.
    /// - Throws: ``OfflineMessageError``.
    package init(beginning: [UInt8], fileSize: Int64) throws(OfflineMessageError) {
        guard beginning.count >= Self.prefixLength, beginning.starts(with: Self.format) else { throw .notThisFormat }
        do throws(WireError) {
            var reader = WireReader(beginning[Self.format.count...])
            let length = try reader.readUInt64()
            let envelopeBytes = try reader.readBytes()
            guard envelopeBytes.count <= Self.longestEnvelope else { throw .invalid("envelope") }
            messageOffset = Self.prefixLength + envelopeBytes.count
            guard length <= UInt64(Self.longestMessage), Int64(messageOffset) + Int64(length) == fileSize else {
                throw .invalid("length of the message")
            }
            messageLength = Int(length)
            envelope = try SubmissionEnvelope(wireBytes: envelopeBytes)
        } catch {
            throw .malformed(error)
        }
    }

    /// What stands before a message in its file.
    ///
    /// - Throws: ``OfflineMessageError/tooManyRecipients`` above ``longestEnvelope``.
    package static func preamble(
        _ envelope: SubmissionEnvelope, messageLength: Int
    ) throws(OfflineMessageError) -> [UInt8] {
        let bytes = envelope.wireBytes
        guard bytes.count <= longestEnvelope else { throw .tooManyRecipients }
        var writer = WireWriter()
        writer.write(UInt64(messageLength))
        writer.write(bytes)
        return format + writer.bytes
    }

    /// The length as it is written at ``lengthOffset``.
    package static func lengthBytes(_ length: Int) -> [UInt8] {
        var writer = WireWriter()
        writer.write(UInt64(length))
        return writer.bytes
    }
}

package enum OfflineMessageError: Error, Hashable, Sendable {
    case notThisFormat
    case malformed(WireError)
    case tooManyRecipients
}

extension OfflineMessageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notThisFormat: "not in the format of offline messages"
        case .malformed(let error): "\(error)"
        case .tooManyRecipients: "too many recipients"
        }
    }
}
