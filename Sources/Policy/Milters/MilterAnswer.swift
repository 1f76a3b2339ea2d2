import SMTPProtocol

/// What a milter says, as one packet of its protocol.
enum MilterAnswer: Hashable, Sendable {
    /// Its answer to the offer, with the macros it wants by stage.
    case options(MilterOptions, macros: [MilterStage: [String]])
    case proceed
    case accept
    case refuse
    case discard
    case refuseForNow
    /// The very reply for the client.
    case reply(Reply)
    /// The client is to be told 421.
    case shutDown
    /// It still works on the step.
    case progress
    /// It wants no more of what it was just sent.
    case skip
    /// It wants to be dealt with as if it could not be reached.
    case decline
    case change(MessageChange)

    /// Reads a packet.
    init(_ packet: MilterPacketReader.Packet) throws(MilterFault) {
        var reader = Reader(letter: packet.letter, bytes: packet.content)
        switch packet.letter {
        case UInt8(ascii: "O"): self = try Self.options(&reader)
        case UInt8(ascii: "c"): self = .proceed
        case UInt8(ascii: "a"): self = .accept
        case UInt8(ascii: "r"): self = .refuse
        case UInt8(ascii: "d"): self = .discard
        case UInt8(ascii: "t"): self = .refuseForNow
        case UInt8(ascii: "y"): self = .reply(try Self.reply(try reader.text()))
        case UInt8(ascii: "4"): self = .shutDown
        case UInt8(ascii: "p"): self = .progress
        case UInt8(ascii: "s"): self = .skip
        case UInt8(ascii: "f"): self = .decline
        case UInt8(ascii: "h"): self = .change(.addHeader(try reader.field()))
        case UInt8(ascii: "i"): self = .change(.insertHeader(at: Int(try reader.number()), try reader.field()))
        case UInt8(ascii: "m"): self = .change(.changeHeader(occurrence: Int(try reader.number()), try reader.field()))
        case UInt8(ascii: "b"): self = .change(.replaceBody(Array(reader.rest())))
        case UInt8(ascii: "+"): self = .change(.addRecipient(try reader.text(), arguments: []))
        case UInt8(ascii: "2"): self = .change(.addRecipient(try reader.text(), arguments: try reader.texts()))
        case UInt8(ascii: "-"): self = .change(.removeRecipient(try reader.text()))
        case UInt8(ascii: "e"): self = .change(.changeSender(try reader.text(), arguments: try reader.texts()))
        case UInt8(ascii: "q"): self = .change(.quarantine(String(decoding: try reader.text(), as: UTF8.self)))
        default: throw .unknownAnswer(packet.letter)
        }
        guard reader.isAtEnd else { throw .malformed(packet.letter) }
    }

    private static func options(_ reader: inout Reader) throws(MilterFault) -> MilterAnswer {
        let options = MilterOptions(
            version: try reader.number(), actions: MilterActions(rawValue: try reader.number()),
            steps: MilterSteps(rawValue: try reader.number()))
        var macros: [MilterStage: [String]] = [:]
        while !reader.isAtEnd {
            guard let stage = MilterStage(macroNumber: try reader.number()) else { throw .malformed(reader.letter) }
            let names = try reader.text().split { $0 == 0x20 || $0 == UInt8(ascii: ",") }
            macros[stage] = names.map { String(decoding: $0, as: UTF8.self) }
        }
        return .options(options, macros: macros)
    }

    /// Reads `550 5.7.1 text`, in several lines when the code of all but the last is followed by a hyphen.
    private static func reply(_ text: [UInt8]) throws(MilterFault) -> Reply {
        var code: UInt16?
        var status: String?
        var lines: [String] = []
        for var line in text.split(separator: 0x0A, omittingEmptySubsequences: true) {
            if line.last == 0x0D { line = line.dropLast() }
            let digits = line.prefix(3)
            guard digits.count == 3, let value = UInt16(String(decoding: digits, as: UTF8.self)), (400...599).contains(value),
                code == nil || code == value
            else { throw .replyText }
            code = value
            var rest = line.dropFirst(3)
            guard rest.isEmpty || rest.first == 0x20 || rest.first == UInt8(ascii: "-") else { throw .replyText }
            rest = rest.dropFirst()
            let word = rest.prefix { $0 != 0x20 }
            if isStatus(word, of: value) {
                if status == nil { status = String(decoding: word, as: UTF8.self) }
                rest = rest.dropFirst(word.count + 1)
            }
            // libmilter doubles the per cent sign.
            lines.append(String(decoding: rest, as: UTF8.self).split(separator: "%%", omittingEmptySubsequences: false).joined(separator: "%"))
            guard lines.count <= 32 else { throw .replyText }
        }
        guard let code else { throw .replyText }
        return Reply(code, status, lines: lines)
    }

    /// An enhanced status code (RFC 3463 section 2) of the class that the code has.
    private static func isStatus(_ word: ArraySlice<UInt8>, of code: UInt16) -> Bool {
        let parts = word.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == [UInt8(ascii: "0") + UInt8(code / 100)] else { return false }
        return parts.dropFirst().allSatisfy { part in
            (1...3).contains(part.count) && part.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        }
    }
}

extension MilterAnswer {
    /// Takes the content of a packet apart.
    private struct Reader {
        let letter: UInt8
        private var bytes: ArraySlice<UInt8>

        init(letter: UInt8, bytes: ArraySlice<UInt8>) {
            self.letter = letter
            self.bytes = bytes
        }

        var isAtEnd: Bool { bytes.isEmpty }

        mutating func rest() -> ArraySlice<UInt8> {
            defer { bytes = [] }
            return bytes
        }

        mutating func number() throws(MilterFault) -> UInt32 {
            guard bytes.count >= 4 else { throw .malformed(letter) }
            defer { bytes = bytes.dropFirst(4) }
            return bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
        }

        /// The octets up to the next NUL, which has to be there.
        mutating func text() throws(MilterFault) -> [UInt8] {
            guard let end = bytes.firstIndex(of: 0) else { throw .malformed(letter) }
            defer { bytes = bytes[(end + 1)...] }
            return Array(bytes[..<end])
        }

        /// Texts up to the end.
        mutating func texts() throws(MilterFault) -> [[UInt8]] {
            var texts: [[UInt8]] = []
            while !isAtEnd { texts.append(try text()) }
            // One text may hold several parameters.
            return texts.flatMap { $0.split(separator: 0x20).map(Array.init) }
        }

        /// Name and value of a header field.
        mutating func field() throws(MilterFault) -> MessageChange.Field {
            let name = try text()
            guard !name.isEmpty, name.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ":") }) else {
                throw .malformed(letter)
            }
            return MessageChange.Field(name: name, value: try text())
        }
    }
}
