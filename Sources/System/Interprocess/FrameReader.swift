import WireFormat

/// Cuts a stream of octets into frames: four octets of length in network order, then that many.
///
/// A value without descriptors; the length is checked before anything is kept for it, so a hostile peer
/// cannot make it hold more than one frame and what it has really sent.
package struct FrameReader {
    /// In octets, without the length itself.
    package let maximumFrame: Int
    /// The beginning of a frame whose end has not come yet.
    private var partial: [UInt8] = []
    private var next = 0

    /// At the beginning of a stream.
    package init(maximumFrame: Int) { self.maximumFrame = maximumFrame }

    /// What ``nextFrame()`` found.
    package enum Step: Equatable {
        /// The content of one frame.
        case frame(ArraySlice<UInt8>)
        /// The rest is to come.
        case needsMore
        case oversized
    }

    /// Whether octets of an unfinished frame are held.
    package var isInsideFrame: Bool { next < partial.count }

    /// Adds what has arrived; ``nextFrame()`` must be called until it needs more before the next time.
    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if partial.isEmpty { partial = Array(bytes) } else { partial.append(contentsOf: bytes) }
    }

    /// The next whole frame, once; after ``Step/oversized`` the stream cannot be read on.
    package mutating func nextFrame() -> Step {
        let available = partial.count - next
        guard available >= 4 else { return settle() }
        var length = 0
        for octet in partial[next..<(next + 4)] { length = length << 8 | Int(octet) }
        guard length <= maximumFrame else { return .oversized }
        guard available - 4 >= length else { return settle() }
        let start = next + 4
        next = start + length
        return .frame(partial[start..<next])
    }

    /// Keeps the unfinished frame alone: an idle link holds no memory.
    private mutating func settle() -> Step {
        if next > 0 {
            partial = Array(partial[next...])
            next = 0
        }
        return .needsMore
    }
}
