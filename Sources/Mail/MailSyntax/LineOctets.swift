/// Finds the octets that matter to SMTP's line discipline, eight at a time.

/// The offset of the first NUL, LF or CR of `bytes` at or behind `start`; the length when there is none.
///
/// Message bodies pass through here, so it is made for long runs without any of the three.
package func firstLineOctet(in bytes: Span<UInt8>, from start: Int) -> Int {
    let raw = bytes.bytes
    let end = raw.byteCount
    precondition(start >= 0, "octets are counted from 0")
    /// Marks the bytes below 14 among the eight at an offset.
    @inline(__always) func marks(_ offset: Int) -> UInt64 {
        // Any eight octets are a value of UInt64, and the loops see to it that there are eight behind the offset.
        let word = UInt64(littleEndian: unsafe raw.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
        // The classic test. A borrow can mark only bytes above a true one, so the lowest mark is always true.
        return (word &- 0x0E0E_0E0E_0E0E_0E0E) & ~word & 0x8080_8080_8080_8080
    }
    var index = start
    // Most of a line is passed over in steps that the compiler makes vectors of.
    while index <= end - 32, marks(index) | marks(index + 8) | marks(index + 16) | marks(index + 24) == 0 { index += 32 }
    while index <= end - 8 {
        let marks = marks(index)
        if marks == 0 {
            index += 8
            continue
        }
        index += marks.trailingZeroBitCount >> 3
        if isLineOctet(bytes[index]) { return index }
        // A tab, or another control character that is plain text here.
        index += 1
    }
    while index < end, !isLineOctet(bytes[index]) { index += 1 }
    return min(index, end)
}

@inline(__always) private func isLineOctet(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D || byte == 0x00 }
