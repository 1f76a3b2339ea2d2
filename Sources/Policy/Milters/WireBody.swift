/// Cuts a stored body into the pieces that milters get: lines ended by CR LF, no piece above the protocol's
/// bound, and none between CR and LF.
package struct WireBody: Sendable {
    private var piece: [UInt8] = []

    package init() {}

    /// Takes stored octets and gives the pieces that are full.
    package mutating func append(_ bytes: [UInt8]) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var start = 0
        while start < bytes.count {
            let feed = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
            var rest = bytes[start..<feed]
            while !rest.isEmpty {
                let part = rest.prefix(MilterCommand.maximumBody - piece.count)
                piece += part
                rest = rest.dropFirst(part.count)
                if piece.count == MilterCommand.maximumBody { pieces.append(take()) }
            }
            guard feed < bytes.count else { break }
            if piece.count + 2 > MilterCommand.maximumBody { pieces.append(take()) }
            piece += [0x0D, 0x0A]
            start = feed + 1
        }
        return pieces
    }

    /// The last piece; nil when there is none.
    package mutating func finish() -> [UInt8]? { piece.isEmpty ? nil : take() }

    private mutating func take() -> [UInt8] {
        defer { piece = [] }
        return piece
    }
}

/// Makes of a body that a milter sends what is stored: lines ended by LF, and nothing that no client could have
/// sent.
package struct StoredBody: Sendable {
    /// Octets of a line with its end: the bound that clients have.
    private let maximumLine: Int
    private var lineLength = 0
    private var isAfterReturn = false

    package init(maximumLine: Int) { self.maximumLine = maximumLine }

    /// - Throws: ``MilterFault/bodyContent``.
    package mutating func append(_ bytes: [UInt8]) throws(MilterFault) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        for byte in bytes {
            // A CR alone ends a line too, for nowhere must it hide in one.
            if isAfterReturn, byte != 0x0A { endLine(&output) }
            isAfterReturn = byte == 0x0D
            switch byte {
            case 0x0D: continue
            case 0x0A: endLine(&output)
            case 0x00: throw .bodyContent
            default:
                lineLength += 1
                guard lineLength < maximumLine else { throw .bodyContent }
                output.append(byte)
            }
        }
        return output
    }

    private mutating func endLine(_ output: inout [UInt8]) {
        output.append(0x0A)
        lineLength = 0
    }

    /// Ends the last line.
    package mutating func finish() -> [UInt8] {
        guard isAfterReturn || lineLength > 0 else { return [] }
        lineLength = 0
        isAfterReturn = false
        return [0x0A]
    }
}
