/// One process of a table program, spoken to in frames: the table API of OpenSMTPD before 7.6, version 2, as the
/// programs of opensmtpd-extras speak it.
///
/// A frame is a header of four numbers in the order of the machine (kind 4, length 2, flags 2, two times 4 unused)
/// and what belongs to it. Answers carry no number, so one request at a time is asked. Seen on the wire of the
/// programs that Debian packages; there is no description of it.
struct FrameConversation: Sendable {
    private enum State {
        case opening
        case idle
        case asking(UInt32, TableProgramRequest)
        case ended
    }

    private enum Kind {
        static let done: UInt32 = 0
        static let refused: UInt32 = 1
        static let open: UInt32 = 2
        static let update: UInt32 = 4
        static let check: UInt32 = 5
        static let lookup: UInt32 = 6
        static let fetch: UInt32 = 7
    }

    private static let headerLength = 16
    /// The longest frame of either side, header included.
    static let maximumFrame = 16_384
    private static let version: UInt32 = 2
    /// Room for the table's name in the first frame.
    private static let nameLength = 2_048

    private let table: String
    private var state = State.opening
    private var buffer: [UInt8] = []

    init(table: String) { self.table = table }

    /// What is said first.
    var opening: [UInt8] {
        var content: [UInt8] = []
        append(Self.version, to: &content)
        let name = Array(table.utf8.prefix(Self.nameLength - 1))
        content += name + [UInt8](repeating: 0, count: Self.nameLength - name.count)
        return frame(Kind.open, content)
    }

    /// Whether another request can be made.
    var isIdle: Bool { if case .idle = state { true } else { false } }

    /// The frame of a request; only while ``isIdle``.
    ///
    /// - Returns: Nil for what cannot be said in frames.
    mutating func frame(_ number: UInt32, _ request: TableProgramRequest) -> [UInt8]? {
        precondition(isIdle, "frames carry no number: one request at a time")
        let kind: UInt32
        var content: [UInt8] = []
        switch request {
        case .update:
            state = .asking(number, request)
            return frame(Kind.update, [])
        case .check: kind = Kind.check
        case .lookup: kind = Kind.lookup
        case .fetch: kind = Kind.fetch
        case .services: return nil
        }
        guard let service = request.service, let code = Self.code(of: service) else { return nil }
        let key = Array(request.key.utf8)
        guard !key.contains(0), key.count < Self.maximumFrame - 64 else { return nil }
        append(code, to: &content)
        // The number of parameters, of which there are none.
        append(UInt64(0), to: &content)
        if kind != Kind.fetch { content += key + [0] }
        state = .asking(number, request)
        return frame(kind, content)
    }

    mutating func receive(_ bytes: [UInt8]) { buffer += bytes }

    /// What the next frame means; nil when no whole frame is there.
    mutating func next() -> TableProgramEvent? {
        if case .ended = state { return nil }
        guard buffer.count >= Self.headerLength else { return nil }
        let kind: UInt32 = number(at: 0)
        let length = Int(number(at: 4) as UInt16)
        guard length >= Self.headerLength, length <= Self.maximumFrame else { return end(because: "a frame of \(length) bytes") }
        guard buffer.count >= length else { return nil }
        let content = Array(buffer[Self.headerLength..<length])
        buffer.removeFirst(length)
        switch state {
        case .opening:
            guard kind == Kind.done, content.isEmpty else { return end(because: "the table was not opened") }
            state = .idle
            return .ready(nil)
        case .idle:
            return end(because: "an answer to no question")
        case .asking(let number, let request):
            guard let outcome = Self.outcome(of: request, kind, content) else { return end(because: "a malformed answer") }
            state = .idle
            return .outcome(number, outcome)
        case .ended:
            return nil
        }
    }

    private mutating func end(because reason: String) -> TableProgramEvent {
        state = .ended
        buffer = []
        return .nonsense(reason)
    }

    /// A number that says how it went, and for something found its value with a NUL behind it.
    private static func outcome(of request: TableProgramRequest, _ kind: UInt32, _ content: [UInt8]) -> TableProgramOutcome? {
        if kind == Kind.refused { return .failed("the table program refuses") }
        guard kind == Kind.done, content.count >= 4 else { return nil }
        let result = content.prefix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let value = content.dropFirst(4)
        switch Int32(bitPattern: result) {
        case -1: return .failed("the table program reports an error")
        case 0:
            if case .update = request { return .failed("the table program did not update") }
            return value.isEmpty ? .answer(.notFound) : nil
        case 1:
            switch request {
            case .update: return value.isEmpty ? .updated : nil
            case .check: return value.isEmpty ? .answer(.found("")) : nil
            case .lookup, .fetch:
                guard value.last == 0 else { return nil }
                return valueText(value.dropLast()).map { .answer(.found($0)) } ?? .failed("a value that is empty or no text")
            case .services: return nil
            }
        default: return nil
        }
    }

    private static func code(of service: TableService) -> UInt32? {
        switch service {
        case .alias: 0x001
        case .domain: 0x002
        case .credentials: 0x004
        case .netaddr: 0x008
        case .userinfo: 0x010
        case .source: 0x020
        case .mailaddr: 0x040
        case .addrname: 0x080
        case .mailaddrmap: 0x100
        case .relayhost: 0x200
        case .string: 0x400
        case .regex: 0x800
        case .auth: nil
        }
    }

    private func frame(_ kind: UInt32, _ content: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        append(kind, to: &bytes)
        append(UInt16(Self.headerLength + content.count), to: &bytes)
        append(UInt16(0), to: &bytes)
        append(UInt32(0), to: &bytes)
        append(UInt32(0), to: &bytes)
        return bytes + content
    }

    /// In the order of the machine, which for all that run this is the little end first.
    private func append<Number: FixedWidthInteger>(_ number: Number, to bytes: inout [UInt8]) {
        for shift in stride(from: 0, to: Number.bitWidth, by: 8) { bytes.append(UInt8(truncatingIfNeeded: number >> Number(shift))) }
    }

    private func number<Number: FixedWidthInteger>(at offset: Int) -> Number {
        (0..<Number.bitWidth / 8).reversed().reduce(Number(0)) { $0 << 8 | Number(buffer[offset + $1]) }
    }
}
