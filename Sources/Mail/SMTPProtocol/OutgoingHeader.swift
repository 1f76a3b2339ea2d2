import MailSyntax

/// Makes the addresses in a header fit for the world: those without a domain get one, and where a server takes one
/// sender alone, that one takes the place of the senders.
///
/// It streams; at most one header line and one address field are held, both bounded. What is no header passes as
/// it is.
package struct OutgoingHeader: Sendable {
    /// Octets of an address field that is looked at; a longer one passes as it is.
    static let maximumField = 64 << 10

    private enum State: Sendable {
        case header
        case body
    }

    private let domain: Domain?
    private let sender: MailAddress?
    private var state = State.header
    private var lines = LineCutter()
    private var field: Field?

    /// An address field that grows.
    private struct Field: Sendable {
        var bytes: [UInt8]
        var isSender: Bool
    }

    /// - Parameters:
    ///   - domain: Completes addresses that have none; nil leaves them.
    ///   - sender: Stands in `From`, `Sender`, `Reply-To` and their `Resent-` forms in place of what is there, behind
    ///     the display name; nil leaves them.
    package init(domain: Domain?, sender: MailAddress?) {
        self.domain = domain
        self.sender = sender
    }

    /// Takes the next piece of the message, lines ended by LF, and gives what to send of it.
    package mutating func take(_ bytes: [UInt8]) -> [UInt8] {
        if case .body = state { return bytes }
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count + 64)
        lines.append(bytes)
        while case .header = state, let line = lines.next() { take(line: line, onto: &output) }
        if case .header = state, lines.pending > Self.maximumField { pass(onto: &output) }
        if case .body = state, let rest = lines.rest() { output += rest }
        return output
    }

    /// Ends the message and gives the last octets.
    package mutating func finish() -> [UInt8] {
        var output: [UInt8] = []
        if case .header = state {
            if let line = lines.rest() { take(line: line, onto: &output) }
            pass(onto: &output)
        }
        return output
    }

    /// What follows is no header.
    private mutating func pass(onto output: inout [UInt8]) {
        endField(onto: &output)
        state = .body
    }

    private mutating func take(line: ArraySlice<UInt8>, onto output: inout [UInt8]) {
        switch HeaderLine(line.last == 0x0A ? line.dropLast() : line) {
        case .field(let nameLength, _):
            endField(onto: &output)
            let name = String(decoding: line.prefix(nameLength).map(asciiLowercased), as: UTF8.self)
            switch name {
            case "from", "sender", "reply-to", "resent-from", "resent-sender", "resent-reply-to":
                field = Field(bytes: Array(line), isSender: true)
            case "to", "cc", "resent-to", "resent-cc":
                field = Field(bytes: Array(line), isSender: false)
            default: output += line
            }
        case .continuation:
            field?.bytes += line
            if field == nil { output += line }
            if let held = field, held.bytes.count > Self.maximumField {
                output += held.bytes
                field = nil
            }
        case .empty, .other:
            pass(onto: &output)
            output += line
        }
    }

    private mutating func endField(onto output: inout [UInt8]) {
        guard let field = field.take() else { return }
        guard let colon = field.bytes.firstIndex(of: UInt8(ascii: ":")) else {
            output += field.bytes
            return
        }
        let body = Array(field.bytes[colon...].dropFirst())
        output += field.bytes[...colon]
        if field.isSender, let sender {
            output += AddressListParser.masqueraded(body, as: sender)
        } else if let domain {
            output += AddressListParser.qualified(body, with: domain)
        } else {
            output += body
        }
    }
}
