import Envelopes
import MailSyntax
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
    /// The waiting envelopes, one line each. Answered by `output`, then `end`.
    case showQueue(ControlSelection)
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
    /// What relaying knows, as text or as JSON. Answered by `output`, then `end`.
    case show(ControlList, asJSON: Bool)
    /// Use a route again that errors have disabled. Answered by `done`, or `failed` when there is none, as the next one.
    case resumeRoute(UInt64)
    /// Make no connections from a source or to a domain, or make them again. A nil stands for any; not both may be nil.
    case setRelayingPaused(source: IPAddress?, domain: String?, Bool)
    /// Trace a subject, or no longer.
    case setTracing(subject: String, Bool)
    /// Say how an address would be dealt with, or why an envelope waits: the words of the question, and whether the answer
    /// is for programs. Answered by `output` and `end`, or `failed`.
    case explain([String], asJSON: Bool)
    /// What became of messages, as text or as JSON. Answered by `output`, then `end`, or `failed`.
    case history(HistoryFilter, asJSON: Bool)

    /// The version this code speaks.
    package static let version: UInt32 = 1

    /// The longest name of a table, a domain or a subject, in bytes.
    package static let longestName = 1023
    /// Words of a question.
    package static let maximumWords = 16

    /// Who may ask this. Root may everything, and so may the user who runs a rootless daemon.
    package var audience: ControlAudience {
        switch self {
        case .hello, .submit: .everybody
        case .showQueue, .showEnvelope, .history: .ownersAndReaders
        // What is in a message is not for readers.
        case .showMessage, .remove: .owners
        case .showStatistics, .showStatus, .show: .readers
        case .schedule, .suspend, .resume, .setPaused, .setVerbose, .reload, .stop, .updateTable, .resumeRoute,
            .setRelayingPaused, .setTracing, .explain:
            .operators
        }
    }

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .hello(let version):
            writer.write(UInt8(1))
            writer.write(version)
        case .submit:
            writer.write(UInt8(2))
        case .showQueue(let selection):
            writer.write(UInt8(3))
            selection.encode(into: &writer)
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
        case .show(let list, let asJSON):
            writer.write(UInt8(17))
            writer.write(list.rawValue)
            writer.write(asJSON)
        case .resumeRoute(let id):
            writer.write(UInt8(18))
            writer.write(id)
        case .setRelayingPaused(let source, let domain, let paused):
            writer.write(UInt8(19))
            writer.write(source?.description ?? "")
            writer.write(domain ?? "")
            writer.write(paused)
        case .setTracing(let subject, let isOn):
            writer.write(UInt8(20))
            writer.write(subject)
            writer.write(isOn)
        case .explain(let words, let asJSON):
            writer.write(UInt8(60))
            writer.write(list: words) { $1.write($0) }
            writer.write(asJSON)
        case .history(let filter, let asJSON):
            writer.write(UInt8(61))
            writer.write(list: filter.words) { $1.write($0) }
            writer.write(asJSON)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .hello(version: try reader.readUInt32())
        case 2: self = .submit
        case 3: self = .showQueue(try ControlSelection(from: &reader))
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
        case 16: self = .updateTable(try reader.readControlName())
        case 17:
            let list = try reader.readUInt8()
            guard let known = ControlList(rawValue: list) else { throw .unknownValue(UInt64(list), for: "ControlList") }
            self = .show(known, asJSON: try reader.readBool())
        case 18: self = .resumeRoute(try reader.readUInt64())
        case 19:
            let source = try reader.readString()
            let address = IPAddress(source.utf8)
            guard source.isEmpty || address?.description == source else { throw .invalid("address") }
            let domain = try reader.readString()
            guard !domain.isEmpty || address != nil else { throw .invalid("source and domain of relaying") }
            guard domain.utf8.count <= Self.longestName, isName(domain) else { throw .invalid("domain") }
            self = .setRelayingPaused(source: address, domain: domain.isEmpty ? nil : domain, try reader.readBool())
        case 20: self = .setTracing(subject: try reader.readControlName(), try reader.readBool())
        case 60:
            let words = try reader.readList { reader throws(WireError) in try reader.readString() }
            guard words.count <= Self.maximumWords, words.allSatisfy({ $0.utf8.count <= Self.longestName }) else {
                throw .invalid("question")
            }
            self = .explain(words, asJSON: try reader.readBool())
        case 61:
            let words = try reader.readList { reader throws(WireError) in try reader.readString() }
            let filter: HistoryFilter
            do throws(HistoryFilter.Problem) {
                filter = try HistoryFilter(words: words)
            } catch {
                throw .invalid("filter of the history")
            }
            self = .history(filter, asJSON: try reader.readBool())
        case let kind: throw .unknownValue(UInt64(kind), for: "ClientToControl")
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

/// A list of what relaying knows; smtpctl(8) has its lines.
package enum ControlList: UInt8, Hashable, Sendable, CaseIterable {
    case hosts = 1
    case hoststats
    case relays
    case routes
    /// `show mta paused`.
    case pausedRelaying
}

private func isName(_ text: String) -> Bool { text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }

extension WireReader {
    /// The name of a table or a subject: not empty, bounded, and without control characters.
    fileprivate mutating func readControlName() throws(WireError) -> String {
        let name = try readString()
        guard !name.isEmpty, name.utf8.count <= ClientToControl.longestName, isName(name) else { throw .invalid("name") }
        return name
    }
}
