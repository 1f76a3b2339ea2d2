import CPlatform

/// CRC-32C (RFC 3720 appendix B.4) by an instruction of the processor: some five times as fast as tables.
package enum ProcessorChecksum {
    /// Whether this processor has it; nothing below may be called where it has not.
    package static let isAvailable = martlet_has_crc32c()

    /// - Parameter state: The checksum's inverted state: all ones at the beginning.
    /// - Returns: The state behind the bytes.
    package static func crc32c(_ bytes: UnsafeRawBufferPointer, state: UInt32) -> UInt32 {
        martlet_crc32c(state, bytes.baseAddress, bytes.count)
    }
}
