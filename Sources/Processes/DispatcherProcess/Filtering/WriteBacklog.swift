import EventLoop

/// Octets on their way into a stream that are gathered faster than the peer reads.
///
/// What is gathered and what leaves are two buffers that change places, so that no octet is moved a second time when
/// the kernel takes some of them.
struct WriteBacklog {
    /// Append here.
    var gathered: [UInt8] = []
    private var leaving: [UInt8] = []
    /// How many of `leaving` are gone.
    private var gone = 0

    /// Octets of memory that a buffer keeps when it is empty, for the next ones.
    private static let keptCapacity = 2 << 20

    var count: Int { gathered.count + leaving.count - gone }
    var isEmpty: Bool { count == 0 }

    /// Hands to the kernel what it takes at once.
    @EventLoopActor mutating func write(to stream: ByteStream) -> WriteAttempt {
        while true {
            if gone == leaving.count {
                gone = 0
                leaving.removeAll(keepingCapacity: leaving.capacity <= Self.keptCapacity)
                guard !gathered.isEmpty else { return .written }
                swap(&leaving, &gathered)
            }
            switch stream.tryWrite(leaving, from: &gone) {
            case .written: continue
            case .full: return .full
            case .failed(let error): return .failed(error)
            }
        }
    }

    /// Gives memory back that is not needed: nothing has been sent for a while.
    mutating func releaseMemory() {
        if isEmpty { removeAll() }
    }

    mutating func removeAll() { self = WriteBacklog() }
}
