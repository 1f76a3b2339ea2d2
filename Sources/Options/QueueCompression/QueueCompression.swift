import QueueStorage

/// Compression of the queue, as far as it is in this build: with the trait Compression, by zlib.
package enum QueueCompression {
    /// Compresses and expands, or is ``NoCompressor`` in a build without the trait.
    package static func compressor() -> any PayloadCompressor {
        #if Compression
            ZlibCompressor() ?? NoCompressor()
        #else
            NoCompressor()
        #endif
    }
}
