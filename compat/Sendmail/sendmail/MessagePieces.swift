import Submission

/// A message that is given out in pieces, from its beginning, once.
protocol MessagePieces {
    /// What has been read of it, before the first piece.
    var beginning: [UInt8] { get }

    /// The next piece behind the beginning, nil at the end.
    mutating func nextPiece() throws(MessageInputError) -> [UInt8]?
}

extension MessageInput: MessagePieces {}
