/// Tells header and body of a message apart while it comes in, lines ended by LF.
package struct MessageDivider: Sendable {
    /// The header so far; at the end with its empty line, if there is one.
    package private(set) var header: [UInt8] = []
    private var isInBody = false
    private var isAtLineStart = true

    package init() {}

    /// Takes the next octets and gives those that belong to the body.
    package mutating func append(_ bytes: [UInt8]) -> [UInt8] {
        guard !isInBody else { return bytes }
        for index in bytes.indices {
            let isFeed = bytes[index] == 0x0A
            if isFeed, isAtLineStart {
                isInBody = true
                header += bytes[...index]
                return Array(bytes[(index + 1)...])
            }
            isAtLineStart = isFeed
        }
        header += bytes
        return []
    }
}
