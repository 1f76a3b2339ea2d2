/// The one buffer into which every stream of the process reads.
///
/// What arrived is copied out before anything else runs, so that an idle stream holds no buffer.
@EventLoopActor package enum ReadBuffer {
    /// In octets; the most that one wake-up of a link takes.
    package static let capacity = 256 << 10

    /// Never freed: it lives as long as the process.
    package static let shared = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 64)
}
