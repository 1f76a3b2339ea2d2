import MailSyntax

/// Finds the Message-ID of a message whose octets come in pieces (RFC 5322 section 3.6.4), for the history.
///
/// Looks at the header alone, and at no more than its first 64 KiB.
package struct MessageIDSearch: Sendable {
    private enum State {
        /// In a line that may yet be the field.
        case name
        /// In a line of no interest.
        case skipping
        /// In the field, folded lines included.
        case value
        case finished
    }

    private var state = State.name
    /// What has come of the name or the value. Beside the state, so that an octet costs no copy of it.
    private var held: [UInt8] = []
    private var seen = 0
    /// The first id found, with its brackets; empty for none so far.
    package private(set) var text = ""

    private static let name = Array("message-id:".utf8)
    private static let limit = 64 << 10

    package init() {}

    package var isFinished: Bool { state == .finished }

    /// Takes the next octets of the message.
    package mutating func append(_ bytes: [UInt8]) {
        var rest = bytes.prefix(Self.limit - seen)
        seen += rest.count
        while !isFinished, !rest.isEmpty {
            if state == .skipping {
                // Most lines: their octets are not looked at one by one.
                guard let end = rest.firstIndex(of: 0x0A) else { break }
                rest = rest[(end + 1)...]
                begin()
            } else {
                take(rest.removeFirst())
            }
        }
        if seen == Self.limit { state = .finished }
    }

    private mutating func begin() {
        state = .name
        held.removeAll(keepingCapacity: true)
    }

    private mutating func take(_ byte: UInt8) {
        switch state {
        case .finished, .skipping: return
        case .name:
            guard byte != 0x0A else {
                // An empty line ends the header.
                return held.isEmpty || held == [0x0D] ? (state = .finished) : begin()
            }
            held.append(asciiLowercased(byte))
            if held.count == Self.name.count {
                let isField = held == Self.name
                begin()
                state = isField ? .value : .skipping
            } else if byte == UInt8(ascii: ":") {
                state = .skipping
            }
        case .value:
            if held.last == 0x0A, byte != 0x20, byte != 0x09 {
                // The next field has begun: there was no id.
                return state = .finished
            }
            if byte == UInt8(ascii: "<") { held.removeAll(keepingCapacity: true) }
            held.append(byte)
            if byte == UInt8(ascii: ">"), held.first == UInt8(ascii: "<") {
                text = String(decoding: held.filter { $0 > 0x20 && $0 != 0x7F }, as: UTF8.self)
                state = .finished
            } else if held.count > 2 * HistoryEvent.maximumText {
                state = .finished
            }
        }
    }
}
