import Glibc
import Platform
import WireFormat

/// Frames on their way to a socket, and the descriptors that go with some of them.
struct OutputQueue: ~Copyable {
    private struct Attachment {
        /// Where its frame begins and ends, counted from the first octet that was ever queued.
        let frame: Range<Int>
        let descriptor: DescriptorBox
    }

    private var writer = WireWriter()
    /// Octets of `writer` that have been sent.
    private var sent = 0
    /// Octets that were removed from `writer` before.
    private var removed = 0
    private var attachments: [Attachment] = []

    /// Octets that have not been sent.
    var count: Int { writer.bytes.count - sent }

    mutating func append(_ message: some WireMessage) { writer.writeFrame(message) }

    mutating func append(_ message: some WireMessage, descriptor: consuming OwnedDescriptor) {
        let start = removed + writer.bytes.count
        writer.writeFrame(message)
        attachments.append(
            Attachment(frame: start..<(removed + writer.bytes.count), descriptor: DescriptorBox(descriptor)))
    }

    /// Sends until nothing is left or the socket is full.
    ///
    /// - Returns: What went wrong, nil if nothing.
    mutating func send(over socket: CInt) -> SystemError? {
        var used = 0
        defer {
            if used > 0 { attachments.removeFirst(used) }
            compact()
        }
        while count > 0 {
            let position = removed + sent
            var end = removed + writer.bytes.count
            var descriptor: CInt?
            if used < attachments.count {
                let frame = attachments[used].frame
                if frame.lowerBound == position { descriptor = attachments[used].descriptor.raw }
                // A frame with a descriptor is sent alone, and nothing together with its beginning.
                end = frame.lowerBound == position ? frame.upperBound : frame.lowerBound
            }
            let range = sent..<(end - removed)
            let result = writer.bytes.withUnsafeBytes { all in
                Result { () throws(SystemError) in
                    try LocalSocket.send(UnsafeRawBufferPointer(rebasing: all[range]), descriptor: descriptor, over: socket)
                }
            }
            switch result {
            case .success(let number): sent += number
            case .failure(let error): return error.code == EAGAIN ? nil : error
            }
            if descriptor != nil { used += 1 }
        }
        return nil
    }

    private mutating func compact() {
        // Moving the rest costs its length, so it is worth it only when most has gone.
        guard sent == writer.bytes.count || sent > 64 << 10 && sent > count else { return }
        removed += sent
        writer.removeFirst(sent)
        sent = 0
    }
}

/// A descriptor as an element of an array, which takes copyable values only.
private final class DescriptorBox {
    private let descriptor: OwnedDescriptor
    init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
    var raw: CInt { descriptor.raw }
}
