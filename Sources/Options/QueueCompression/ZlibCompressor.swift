#if Compression
    import CZlib
    import QueueStorage
    import Synchronization

    /// Raw deflate (RFC 1951) by zlib; the records around it have checksums of their own.
    ///
    /// Both streams are made once and wound back for every payload: to make one costs more than most payloads.
    final class ZlibCompressor: PayloadCompressor {
        /// The streams of zlib, which point back at where they lie and so must not move.
        private struct Streams {
            let deflating: UnsafeMutablePointer<z_stream>
            let inflating: UnsafeMutablePointer<z_stream>
        }

        /// Mail is text, where the quickest level takes most of what is to be had.
        private static let level = Z_BEST_SPEED
        /// Negative for a stream without zlib's own header and checksum; 32 KiB of history.
        private static let windowBits: CInt = -15

        private let streams: Mutex<Streams>

        /// Nil when there is no memory for the streams.
        init?() {
            let streams = Streams(deflating: .allocate(capacity: 1), inflating: .allocate(capacity: 1))
            streams.deflating.initialize(to: z_stream())
            streams.inflating.initialize(to: z_stream())
            let size = CInt(MemoryLayout<z_stream>.size)
            // Both were initialized to zeros above, as the calls want them.
            guard
                deflateInit2_(
                    streams.deflating, Self.level, Z_DEFLATED, Self.windowBits, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, size)
                    == Z_OK,
                inflateInit2_(streams.inflating, Self.windowBits, ZLIB_VERSION, size) == Z_OK
            else { return nil }
            self.streams = Mutex(streams)
        }

        deinit {
            streams.withLock { streams in
                deflateEnd(streams.deflating)
                inflateEnd(streams.inflating)
                streams.deflating.deallocate()
                streams.inflating.deallocate()
            }
        }

        var isAvailable: Bool { true }

        func compress(_ payload: [UInt8]) -> [UInt8]? {
            streams.withLock { streams in
                guard deflateReset(streams.deflating) == Z_OK else { return nil }
                // One byte less than the payload: what does not get shorter does not fit.
                return Self.run(streams.deflating, payload[...], room: payload.count - 1, deflate)
            }
        }

        func expand(_ bytes: ArraySlice<UInt8>, size: Int) -> [UInt8]? {
            streams.withLock { streams in
                guard inflateReset(streams.inflating) == Z_OK else { return nil }
                // One byte more, so that a payload that is too long is found out.
                let payload = Self.run(streams.inflating, bytes, room: size + 1, inflate)
                return payload?.count == size ? payload : nil
            }
        }

        /// One call for all of the input; nil unless the stream ends with it and its output fits.
        private static func run(
            _ stream: UnsafeMutablePointer<z_stream>, _ input: ArraySlice<UInt8>, room: Int,
            _ call: (UnsafeMutablePointer<z_stream>, CInt) -> CInt
        ) -> [UInt8]? {
            guard room > 0, let inputCount = UInt32(exactly: input.count), let outputCount = UInt32(exactly: room) else {
                return nil
            }
            var isWhole = false
            let output = [UInt8](unsafeUninitializedCapacity: room) { buffer, filled in
                input.withUnsafeBufferPointer { input in
                    // Both buffers live through the call, which reads the one and writes the other within their counts.
                    stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                    stream.pointee.avail_in = inputCount
                    stream.pointee.next_out = buffer.baseAddress
                    stream.pointee.avail_out = outputCount
                    isWhole = call(stream, Z_FINISH) == Z_STREAM_END && stream.pointee.avail_in == 0
                    filled = room - Int(stream.pointee.avail_out)
                    stream.pointee.next_in = nil
                    stream.pointee.next_out = nil
                }
            }
            return isWhole ? output : nil
        }
    }
#endif
