import MailSyntax

/// What this server says to a milter.
package enum MilterCommand: Hashable, Sendable {
    case offer(MilterOptions)
    /// Values for the command that follows, whose letter comes first.
    case macros(for: MilterStage, [MilterMacro])
    case connect(host: [UInt8], MilterPeer)
    case helo([UInt8])
    /// The path with its brackets, and the parameters behind it.
    case mail([UInt8], arguments: [[UInt8]])
    case recipient([UInt8], arguments: [[UInt8]])
    case data
    case header(name: [UInt8], value: [UInt8])
    case endOfHeader
    /// At most ``maximumBody`` octets, lines ended by CR LF.
    case body([UInt8])
    case endOfMessage
    case unknown([UInt8])
    /// Nothing becomes of the message.
    case abort
    /// The session is over, and so is the connection.
    case quit
    /// The session is over, and another begins on this connection.
    case quitAndContinue

    /// Octets of a body in one packet.
    package static let maximumBody = 65_535

    /// Appends the packet: its length in four octets, its letter, its content.
    package func encode(onto bytes: inout [UInt8]) {
        let start = bytes.count
        bytes += [0, 0, 0, 0, letter]
        switch self {
        case .offer(let options):
            for number in [options.version, options.actions.rawValue, options.steps.rawValue] {
                Self.append(number, to: &bytes)
            }
        case .macros(let stage, let macros):
            bytes.append(stage.letter)
            for macro in macros {
                Self.append(Array(macro.name.utf8), to: &bytes)
                Self.append(macro.value, to: &bytes)
            }
        case .connect(let host, let peer):
            Self.append(host, to: &bytes)
            peer.encode(onto: &bytes)
        case .helo(let text), .unknown(let text): Self.append(text, to: &bytes)
        case .mail(let path, let arguments), .recipient(let path, let arguments):
            for text in [path] + arguments { Self.append(text, to: &bytes) }
        case .header(let name, let value):
            Self.append(name, to: &bytes)
            Self.append(value, to: &bytes)
        case .body(let content): bytes += content
        case .data, .endOfHeader, .endOfMessage, .abort, .quit, .quitAndContinue: break
        }
        let length = UInt32(bytes.count - start - 4)
        for offset in 0..<4 { bytes[start + offset] = UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32(offset))) }
    }

    private var letter: UInt8 {
        switch self {
        case .offer: UInt8(ascii: "O")
        case .macros: UInt8(ascii: "D")
        case .connect: MilterStage.connect.letter
        case .helo: MilterStage.helo.letter
        case .mail: MilterStage.mail.letter
        case .recipient: MilterStage.recipient.letter
        case .data: MilterStage.data.letter
        case .header: MilterStage.header.letter
        case .endOfHeader: MilterStage.endOfHeader.letter
        case .body: MilterStage.body.letter
        case .endOfMessage: MilterStage.endOfMessage.letter
        case .unknown: MilterStage.unknown.letter
        case .abort: UInt8(ascii: "A")
        case .quit: UInt8(ascii: "Q")
        case .quitAndContinue: UInt8(ascii: "K")
        }
    }

    /// Appends a text that ends with NUL. One within would end it early and shift all that follows.
    private static func append(_ text: [UInt8], to bytes: inout [UInt8]) {
        for byte in text { bytes.append(byte == 0 ? UInt8(ascii: "?") : byte) }
        bytes.append(0)
    }

    private static func append(_ number: UInt32, to bytes: inout [UInt8]) {
        for shift: UInt32 in [24, 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
    }
}

/// Where the client of a session is, as milters hear of it.
package enum MilterPeer: Hashable, Sendable {
    case network(IPAddress, port: UInt16)
    case unknown

    fileprivate func encode(onto bytes: inout [UInt8]) {
        switch self {
        case .network(let address, let port):
            switch address {
            case .v4: bytes.append(UInt8(ascii: "4"))
            case .v6: bytes.append(UInt8(ascii: "6"))
            }
            bytes += [UInt8(truncatingIfNeeded: port >> 8), UInt8(truncatingIfNeeded: port)]
            bytes += "\(address)".utf8
            bytes.append(0)
        case .unknown:
            bytes.append(UInt8(ascii: "U"))
        }
    }
}
