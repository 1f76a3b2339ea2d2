import Envelopes
import WireFormat

/// What a client of the control socket may ask: `smtpctl`, `sendmail`, and any enemy with an account.
///
/// A connection begins with ``hello(version:)``, which has no answer of its own when the version fits, and
/// carries one request after the other; each is answered before the next is read.
package enum ClientToControl: WireMessage, Hashable {
    /// The first message of a connection. Answered by `incompatible`, and the end, for another version.
    case hello(version: UInt32)
    /// Make this connection an SMTP session. Behind `submissionReady` come the server's greeting and plain
    /// SMTP; the client sends nothing between this request and the greeting.
    case submit
    /// The waiting envelopes, one line each, of one message or of all. Answered by `output`, then `end`.
    case showQueue(MessageID?)
    /// One envelope in readable form. Answered by `output` and `end`, or `failed`, as the next three.
    case showEnvelope(EnvelopeID)
    case showMessage(MessageID)
    case showStatistics
    case showStatus
    /// Try now. Answered by `done` with the number of envelopes, as the next three.
    case schedule(ControlSelection)
    case remove(ControlSelection)
    case suspend(ControlSelection)
    case resume(ControlSelection)
    /// Stop (or go on with) deliveries or new sessions. Answered by `done`, or `failed` when it is so already.
    case setPaused(ControlService, Bool)
    /// Debug messages on or off. Answered by `done`, as the rest.
    case setVerbose(Bool)
    /// Read the configuration again.
    case reload
    /// End the daemon in order.
    case stop
    /// Read a table again.
    case updateTable(String)
    /// Say how an address would be dealt with, or why an envelope waits: the words of the question, and whether the answer
    /// is for programs. Answered by `output` and `end`, or `failed`.
    case explain([String], asJSON: Bool)

    /// The version this code speaks.
    package static let version: UInt32 = 1

    /// The longest name of a table, in bytes.
    package static let longestName = 1024
    /// Words of a question.
    package static let maximumWords = 16

    /// True for what anybody with an account on the machine may ask; all else is for root, or for the user
    /// who runs a rootless daemon.
    package var isOpenToEverybody: Bool {
        switch self {
        case .hello, .submit: true
        case .showQueue, .showEnvelope, .showMessage, .showStatistics, .showStatus, .schedule, .remove, .suspend,
            .resume, .setPaused, .setVerbose, .reload, .stop, .updateTable, .explain:
            false
        }
    }

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .hello(let version):
            writer.write(UInt8(1))
            writer.write(version)
        case .submit:
            writer.write(UInt8(2))
        case .showQueue(let message):
            writer.write(UInt8(3))
            writer.write(message) { $1.write($0.rawValue) }
        case .showEnvelope(let id):
            writer.write(UInt8(4))
            writer.write(id.rawValue)
        case .showMessage(let id):
            writer.write(UInt8(5))
            writer.write(id.rawValue)
        case .showStatistics:
            writer.write(UInt8(6))
        case .showStatus:
            writer.write(UInt8(7))
        case .schedule(let selection):
            writer.write(UInt8(8))
            selection.encode(into: &writer)
        case .remove(let selection):
            writer.write(UInt8(9))
            selection.encode(into: &writer)
        case .suspend(let selection):
            writer.write(UInt8(10))
            selection.encode(into: &writer)
        case .resume(let selection):
            writer.write(UInt8(11))
            selection.encode(into: &writer)
        case .setPaused(let service, let paused):
            writer.write(UInt8(12))
            writer.write(service.rawValue)
            writer.write(paused)
        case .setVerbose(let verbose):
            writer.write(UInt8(13))
            writer.write(verbose)
        case .reload:
            writer.write(UInt8(14))
        case .stop:
            writer.write(UInt8(15))
        case .updateTable(let name):
            writer.write(UInt8(16))
            writer.write(name)
        case .explain(let words, let asJSON):
            writer.write(UInt8(60))
            writer.write(list: words) { $1.write($0) }
            writer.write(asJSON)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .hello(version: try reader.readUInt32())
        case 2: self = .submit
        case 3: self = .showQueue(try reader.readOptional { reader throws(WireError) in try readMessageID(&reader) })
        case 4: self = .showEnvelope(try readEnvelopeID(&reader))
        case 5: self = .showMessage(try readMessageID(&reader))
        case 6: self = .showStatistics
        case 7: self = .showStatus
        case 8: self = .schedule(try ControlSelection(from: &reader))
        case 9: self = .remove(try ControlSelection(from: &reader))
        case 10: self = .suspend(try ControlSelection(from: &reader))
        case 11: self = .resume(try ControlSelection(from: &reader))
        case 12:
            let service = try reader.readUInt8()
            guard let known = ControlService(rawValue: service) else {
                throw .unknownValue(UInt64(service), for: "ControlService")
            }
            self = .setPaused(known, try reader.readBool())
        case 13: self = .setVerbose(try reader.readBool())
        case 14: self = .reload
        case 15: self = .stop
        case 16:
            let name = try reader.readString()
            guard !name.isEmpty, name.utf8.count <= Self.longestName, name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F })
            else { throw .invalid("name of a table") }
            self = .updateTable(name)
        case 60:
            let words = try reader.readList { reader throws(WireError) in try reader.readString() }
            guard words.count <= Self.maximumWords, words.allSatisfy({ $0.utf8.count <= Self.longestName }) else {
                throw .invalid("question")
            }
            self = .explain(words, asJSON: try reader.readBool())
        case let kind: throw .unknownValue(UInt64(kind), for: "ClientToControl")
        }
    }
}

/// Which envelopes an order of a client is about.
package enum ControlSelection: WireMessage, Hashable {
    case envelope(EnvelopeID)
    case message(MessageID)
    case all

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .envelope(let id):
            writer.write(UInt8(1))
            writer.write(id.rawValue)
        case .message(let id):
            writer.write(UInt8(2))
            writer.write(id.rawValue)
        case .all:
            writer.write(UInt8(3))
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .envelope(try readEnvelopeID(&reader))
        case 2: self = .message(try readMessageID(&reader))
        case 3: self = .all
        case let kind: throw .unknownValue(UInt64(kind), for: "ControlSelection")
        }
    }
}

/// What can be paused as a whole.
package enum ControlService: UInt8, Hashable, Sendable, CaseIterable {
    /// Deliveries on this machine.
    case mda = 1
    /// Deliveries to other machines.
    case mta = 2
    /// New SMTP sessions.
    case smtp = 3
}

private func readMessageID(_ reader: inout WireReader) throws(WireError) -> MessageID {
    guard let id = MessageID(rawValue: try reader.readUInt32()) else { throw .invalid("message id") }
    return id
}

private func readEnvelopeID(_ reader: inout WireReader) throws(WireError) -> EnvelopeID {
    guard let id = EnvelopeID(rawValue: try reader.readUInt64()) else { throw .invalid("envelope id") }
    return id
}
