/// What became of deliveries, and replies, as fields of messages.
///
/// Their texts come from remote servers and users' programs and go into logs, the queue and reports: each
/// is one printable line.
import Envelopes
import SMTPProtocol
import WireFormat

extension DeliveryHistory: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(attempts)
        writer.write(lastAttempt) { $0.encode(into: &$1) }
        writer.write(lastNotice) { $0.encode(into: &$1) }
        writer.write(line: lastError)
        writer.write(isSuspended)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            attempts: try reader.readUInt32(),
            lastAttempt: try reader.readOptional { reader throws(WireError) in try Timestamp(from: &reader) },
            lastNotice: try reader.readOptional { reader throws(WireError) in try Timestamp(from: &reader) },
            lastError: try reader.readLine(), isSuspended: try reader.readBool())
    }
}

extension DeliveryOutcome: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .delivered(let text):
            writer.write(UInt8(1))
            writer.write(line: text)
        case .temporary(let failure):
            writer.write(UInt8(2))
            failure.encode(class: 4, into: &writer)
        case .permanent(let failure):
            writer.write(UInt8(3))
            failure.encode(class: 5, into: &writer)
        case .loop:
            writer.write(UInt8(4))
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .delivered(try reader.readLine())
        case 2: self = .temporary(try DeliveryFailure(from: &reader, class: 4))
        case 3: self = .permanent(try DeliveryFailure(from: &reader, class: 5))
        case 4: self = .loop
        case let kind: throw .unknownValue(UInt64(kind), for: "outcome")
        }
    }
}

extension DeliveryFailure {
    /// A status that does not fit the outcome tells nothing that can be relied on; the code that says no
    /// more than its class takes its place (RFC 3463 section 3.1).
    fileprivate func encode(class digit: Int, into writer: inout WireWriter) {
        writer.write(EnhancedStatus.isValid(status, class: digit) ? status : "\(digit).0.0")
        writer.write(line: text)
    }

    fileprivate init(from reader: inout WireReader, class digit: Int) throws(WireError) {
        let status = try reader.readString()
        guard EnhancedStatus.isValid(status, class: digit) else { throw .invalid("enhanced status code") }
        self.init(status: status, text: try reader.readLine())
    }
}

extension Reply: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(code)
        writer.write(status) { $1.write($0) }
        writer.write(list: lines) { $1.write(line: $0) }
    }

    /// - Throws: ``WireError/invalid(_:)`` for a code outside 200 to 599, a status of another class than the
    ///   code's (RFC 2034 section 4), and a reply without a line.
    package init(from reader: inout WireReader) throws(WireError) {
        let code = try reader.readUInt16()
        let status = try reader.readOptional { reader throws(WireError) in try reader.readString() }
        let lines = try reader.readList { reader throws(WireError) in try reader.readLine() }
        guard (200...599).contains(code), !lines.isEmpty else { throw .invalid("reply") }
        guard status.map({ EnhancedStatus.isValid($0, class: Int(code / 100)) }) != false else {
            throw .invalid("enhanced status code")
        }
        self.init(code, status, lines: lines)
    }
}
