import Glibc
import Platform
import Submission

/// The message on standard input, filtered piece by piece. What has been read and not yet been given out is
/// bounded, however long the message is.
struct MessageInput {
    /// Up to here a message is held as a whole: then it can be sent again, or elsewhere, when the daemon fails.
    static let longestWhole = 1 << 20

    private(set) var filter: MessageFilter
    /// The beginning of the message; all of it when ``isWhole``.
    private(set) var beginning: [UInt8] = []
    /// The input has ended within ``beginning``.
    private(set) var isWhole = false
    private var hasEnded = false

    /// Octets read at once.
    private static let longestPiece = 64 << 10

    init(_ settings: MessageFilter.Settings) { filter = MessageFilter(settings) }

    /// Reads the header, and the body as far as it is held.
    mutating func readBeginning() throws(MessageInputError) {
        while filter.headerRecipients == nil || beginning.count < Self.longestWhole {
            // Out of the property while it grows, so that it is not copied.
            var text: [UInt8] = []
            swap(&text, &beginning)
            isWhole = try !readPiece(onto: &text)
            swap(&text, &beginning)
            if isWhole { return }
        }
    }

    /// The next piece behind the beginning, nil at the end.
    mutating func nextPiece() throws(MessageInputError) -> [UInt8]? {
        var piece: [UInt8] = []
        while piece.isEmpty {
            guard try readPiece(onto: &piece) else { return piece.isEmpty ? nil : piece }
        }
        return piece
    }

    /// False at the end.
    private mutating func readPiece(onto output: inout [UInt8]) throws(MessageInputError) -> Bool {
        if hasEnded { return false }
        let piece: [UInt8]
        do throws(SystemError) {
            piece = try Self.readInput()
        } catch {
            throw .unreadable(error)
        }
        do throws(MessageError) {
            if !piece.isEmpty { try filter.take(piece, count: piece.count, onto: &output) }
            if piece.isEmpty || filter.isEnded {
                hasEnded = true
                try filter.finish(onto: &output)
            }
        } catch {
            throw .refused(error)
        }
        return !hasEnded
    }

    /// What standard input has; empty at its end.
    private static func readInput() throws(SystemError) -> [UInt8] {
        var failure: SystemError?
        // The system has filled as much of the memory as is declared initialised.
        let piece = unsafe [UInt8](unsafeUninitializedCapacity: longestPiece) { buffer, count in
            do throws(SystemError) {
                count = try checked("read the message") { unsafe read(STDIN_FILENO, buffer.baseAddress, buffer.count) }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return piece
    }
}

enum MessageInputError: Error {
    case unreadable(SystemError)
    case refused(MessageError)

    var code: ExitCode {
        switch self {
        case .unreadable: .inputError
        case .refused: .badData
        }
    }

    var description: String {
        switch self {
        case .unreadable(let error): "\(error)"
        case .refused(let error): "\(error)"
        }
    }
}
