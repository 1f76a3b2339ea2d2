/// One process of a table program, spoken to in lines: protocol 0.1 of smtpd-tables(7).
///
/// We say `config|...` and the program `register|...`; then requests carry a number, and answers come in any order.
/// Knows nothing of time and processes. After ``TableProgramEvent/nonsense(_:)`` nothing more is taken from it.
struct LineConversation: Sendable {
    private enum State {
        /// Registering; the services so far.
        case registering(Set<TableService>)
        case serving
        case ended
    }

    /// The version that we tell: programs may look at it to know what they may be asked.
    static let version = "7.8.0-martlet"
    /// Bytes of a line that is not complete yet; a value may have 2047, an error text is short.
    static let maximumLine = 16 << 10

    private let table: String
    private var state = State.registering([])
    private var buffer: [UInt8] = []
    /// Where the next line begins.
    private var start = 0
    /// The operations that are to be answered.
    private var open: [UInt32: Operation] = [:]

    private enum Operation {
        case check, lookup, fetch, update
    }

    init(table: String) { self.table = table }

    /// What is said first.
    var opening: [UInt8] {
        Array(
            ("config|smtpd-version|\(Self.version)\nconfig|protocol|0.1\nconfig|tablename|\(table)\nconfig|ready\n").utf8)
    }

    /// The line of a request.
    ///
    /// - Parameters:
    ///   - number: Not in use for another that is open.
    ///   - wall: Microseconds since 1970, for the program's log.
    /// - Returns: Nil for what cannot be said in a line.
    mutating func line(_ number: UInt32, _ request: TableProgramRequest, wall: Int64) -> [UInt8]? {
        let what: String
        let operation: Operation
        switch request {
        case .check(let service, _): (operation, what) = (.check, "check|\(service.name)|")
        case .lookup(let service, _): (operation, what) = (.lookup, "lookup|\(service.name)|")
        case .fetch(let service): (operation, what) = (.fetch, "fetch|\(service.name)|")
        case .update: (operation, what) = (.update, "update|")
        case .services: return nil
        }
        let key = request.key
        guard key.utf8.allSatisfy({ $0 != 0 && $0 != 0x0A && $0 != 0x0D }) else { return nil }
        open[number] = operation
        let digits = String(number, radix: 16)
        let id = String(repeating: "0", count: 8 - digits.utf8.count) + digits
        let fraction = String(wall % 1_000_000 + 1_000_000).dropFirst()
        let end: String
        switch operation {
        case .check, .lookup: end = "|\(key)\n"
        case .fetch, .update: end = "\n"
        }
        return Array("table|0.1|\(wall / 1_000_000).\(fraction)|\(table)|\(what)\(id)\(end)".utf8)
    }

    mutating func receive(_ bytes: [UInt8]) {
        if start == buffer.count {
            buffer = bytes
            start = 0
        } else {
            buffer.append(contentsOf: bytes)
        }
    }

    /// What the next line means; nil when no whole line is there.
    mutating func next() -> TableProgramEvent? {
        while true {
            if case .ended = state { return nil }
            guard let end = buffer[start...].firstIndex(of: 0x0A) else {
                if start > 0 {
                    buffer.removeSubrange(..<start)
                    start = 0
                }
                return buffer.count > Self.maximumLine ? end(because: "a line longer than \(Self.maximumLine) bytes") : nil
            }
            let line = buffer[start..<end]
            start = end + 1
            guard line.count <= Self.maximumLine else { return self.end(because: "a line longer than \(Self.maximumLine) bytes") }
            if let event = take(line) { return event }
        }
    }

    private mutating func end(because reason: String) -> TableProgramEvent {
        state = .ended
        buffer = []
        start = 0
        return .nonsense(reason)
    }

    private mutating func take(_ line: ArraySlice<UInt8>) -> TableProgramEvent? {
        switch state {
        case .registering(var services):
            let fields = line.split(separator: UInt8(ascii: "|"), omittingEmptySubsequences: false)
            guard fields.count == 2, fields[0].elementsEqual("register".utf8) else {
                return end(because: "not a registration: \(shown(line))")
            }
            if fields[1].elementsEqual("ready".utf8) {
                guard !services.isEmpty else { return end(because: "no service registered") }
                state = .serving
                return .ready(services)
            }
            guard let service = TableService(name: fields[1]) else {
                return end(because: "unknown service: \(shown(fields[1]))")
            }
            services.insert(service)
            state = .registering(services)
            return nil
        case .serving:
            return answer(line)
        case .ended:
            return nil
        }
    }

    private mutating func answer(_ line: ArraySlice<UInt8>) -> TableProgramEvent {
        // Only the last field may hold a bar.
        let fields = line.split(separator: UInt8(ascii: "|"), maxSplits: 3, omittingEmptySubsequences: false)
        guard fields.count >= 3, let number = Self.number(fields[1]) else { return end(because: "not an answer: \(shown(line))") }
        guard let operation = open[number] else { return end(because: "an answer to no question: \(shown(line))") }
        guard Self.kinds(of: operation).contains(where: { fields[0].elementsEqual($0.utf8) }) else {
            return end(because: "the answer to another question: \(shown(line))")
        }
        let value = fields.count == 4 ? fields[3] : nil
        guard let outcome = Self.outcome(operation, fields[2], value) else { return end(because: "unknown result: \(shown(line))") }
        open[number] = nil
        return .outcome(number, outcome)
    }

    /// The manual of the protocol shows `lookup-result` for a fetch, and its programs say `fetch-result`.
    private static func kinds(of operation: Operation) -> [String] {
        switch operation {
        case .check: ["check-result"]
        case .lookup: ["lookup-result"]
        case .fetch: ["fetch-result", "lookup-result"]
        case .update: ["update-result"]
        }
    }

    private static func outcome(
        _ operation: Operation, _ word: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>?
    ) -> TableProgramOutcome? {
        if word.elementsEqual("error".utf8) {
            let text = value.map { printable(String(decoding: $0, as: UTF8.self)) } ?? ""
            return .failed(text.isEmpty ? "the table program reports an error" : text)
        }
        switch operation {
        case .update:
            return word.elementsEqual("ok".utf8) && value == nil ? .updated : nil
        case .check:
            if word.elementsEqual("found".utf8), value == nil { return .answer(.found("")) }
        case .lookup, .fetch:
            // A value that cannot be one is that answer's fault and no reason to end the others.
            if word.elementsEqual("found".utf8), let value {
                return valueText(value).map { .answer(.found($0)) } ?? .failed("a value that is empty or no text")
            }
        }
        return word.elementsEqual("not-found".utf8) && value == nil ? .answer(.notFound) : nil
    }

    /// Eight hexadecimal digits.
    private static func number(_ digits: ArraySlice<UInt8>) -> UInt32? {
        guard digits.count == 8, digits.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }) else { return nil }
        return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}

/// Hostile bytes for a line of the log.
private func shown(_ bytes: ArraySlice<UInt8>) -> String { printable(String(decoding: bytes.prefix(100), as: UTF8.self)) }
