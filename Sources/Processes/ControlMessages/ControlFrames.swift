import WireFormat

/// Messages on the control socket as frames: four bytes of length in network order, then the message.
package enum ControlFrame {
    /// The longest request, in bytes without the length: more than any holds.
    package static let longestRequest = 4096
    /// The longest answer; output comes in pieces of ``outputPiece`` bytes at most.
    package static let longestAnswer = 128 << 10
    package static let outputPiece = 64 << 10

    /// A message with its length before it.
    package static func bytes(_ message: some WireMessage) -> [UInt8] {
        var writer = WireWriter()
        writer.write(message.encoded)
        return writer.bytes
    }
}

/// Cuts the bytes of a connection into frames, whatever pieces they arrive in.
///
/// Holds no more than one frame and what came along with it; the reader of the socket stops reading while
/// a request is being answered.
package struct ControlFrameBuffer {
    private var bytes: [UInt8] = []
    private var start = 0
    private let longest: Int

    /// - Parameter longest: The longest frame taken, without its length.
    package init(longest: Int) { self.longest = longest }

    package mutating func append(_ received: some Sequence<UInt8>) { bytes += received }

    /// The next whole message, nil when more bytes are needed.
    ///
    /// - Throws: ``WireError/invalid(_:)`` for an empty frame or one above the limit, else what the message's
    ///   reader throws. The connection is of no use afterwards.
    package mutating func next<Message: WireMessage>(_: Message.Type) throws(WireError) -> Message? {
        guard bytes.count - start >= 4 else { return nil }
        var reader = WireReader(bytes[start...])
        let length = Int(try reader.readUInt32())
        guard length > 0, length <= longest else { throw .invalid("length of a frame") }
        guard reader.remaining >= length else { return nil }
        let first = start + 4
        start = first + length
        let message = try Message(decoding: bytes[first..<start])
        if start == bytes.count {
            bytes.removeAll(keepingCapacity: true)
            start = 0
        } else if start > longest {
            bytes.removeFirst(start)
            start = 0
        }
        return message
    }

    /// False in the middle of a frame, and with frames not taken yet.
    package var isEmpty: Bool { start == bytes.count }

    /// Gives up what came behind the last frame: after `submissionReady` it is SMTP.
    package mutating func takeRest() -> [UInt8] {
        defer {
            bytes = []
            start = 0
        }
        return Array(bytes[start...])
    }
}
