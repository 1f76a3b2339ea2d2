/// What the octets of a message say about how it goes over the wire.

/// Lines of a message, and whether it has octets that are not ASCII.
///
/// Each message that is relayed passes here whole, so eight octets are looked at in one go.
package struct ContentCounts: Hashable, Sendable {
    /// LFs.
    package private(set) var lines = 0
    package private(set) var hasEightBits = false

    package init(_ bytes: Span<UInt8>) {
        let raw = bytes.bytes
        let end = raw.byteCount
        var index = 0
        var seen: UInt64 = 0
        while index <= end - 8 {
            // Any eight octets are a value of UInt64, and the load checks its bounds.
            let word = unsafe raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self)
            seen |= word
            // An octet of `difference` is zero where there is an LF. Adding 0x7F to seven bits cannot carry into the next
            // octet, so the high bit is left unset in exactly these.
            let difference = word ^ 0x0A0A_0A0A_0A0A_0A0A
            let others = ((difference & 0x7F7F_7F7F_7F7F_7F7F) &+ 0x7F7F_7F7F_7F7F_7F7F) | difference
            lines += (~others & 0x8080_8080_8080_8080).nonzeroBitCount
            index += 8
        }
        while index < end {
            seen |= UInt64(bytes[index])
            if bytes[index] == 0x0A { lines += 1 }
            index += 1
        }
        hasEightBits = seen & 0x8080_8080_8080_8080 != 0
    }
}
