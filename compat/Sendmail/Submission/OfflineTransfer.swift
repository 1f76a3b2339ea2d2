/// How `sendmail` hands a message to the set-group-id program: frames of four bytes of length and their bytes.
/// The first frame is the envelope, the others are pieces of the message, an empty one says that it is whole.
///
/// Without the empty frame nothing is stored, so that whoever is killed midway has sent nothing.
package enum OfflineTransfer {
    /// The longest piece of a message.
    package static let longestPiece = 1 << 20

    package static func frame(_ bytes: [UInt8]) -> [UInt8] { length(bytes.count) + bytes }

    /// Ends a message.
    package static let end = length(0)

    /// The pieces of a message as frames.
    package static func frames(_ message: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var rest = message[...]
        while !rest.isEmpty {
            let piece = rest.prefix(longestPiece)
            result += length(piece.count)
            result += piece
            rest = rest.dropFirst(piece.count)
        }
        return result
    }

    /// The length of a frame from its four bytes.
    package static func length(of bytes: [UInt8]) -> Int { bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) } }

    private static func length(_ count: Int) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) }
    }
}
