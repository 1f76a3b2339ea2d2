import EventLoop
import MailSyntax
import Milters
import SMTPProtocol

/// The changes that a milter makes to one message, as they come: checked, and a new body put where it takes no memory.
@EventLoopActor
final class ChangeCollector {
    /// Of the header, in their order.
    private(set) var headerChanges: [MessageChange] = []
    private(set) var amendments: [EnvelopeAmendment] = []
    /// The new body; nil when the old one stays.
    private(set) var body: MessageSpool?
    private var converter = StoredBody(maximumLine: SessionLimits().textLine)
    private let newSpool: @EventLoopActor () -> MessageSpool

    init(spool: @escaping @EventLoopActor () -> MessageSpool) { newSpool = spool }

    func take(_ change: MessageChange) async throws(MilterFault) {
        switch change {
        case .addHeader, .insertHeader, .changeHeader: headerChanges.append(change)
        case .replaceBody(let bytes): await write(try converter.append(bytes))
        // Parameters of RCPT and MAIL are taken and not used: what rests on them is this server's to decide.
        case .addRecipient(let path, _): amendments.append(.addRecipient(try Self.address(path, "+")))
        case .removeRecipient(let path): amendments.append(.removeRecipient(try Self.address(path, "-")))
        case .changeSender(let path, _): amendments.append(.changeSender(try Self.sender(path)))
        case .quarantine(let reason): amendments.append(.quarantine(reason: reason))
        }
    }

    /// No more changes come.
    func finish() async {
        if body != nil { await write(converter.finish()) }
    }

    private func write(_ bytes: [UInt8]) async {
        let spool = body ?? newSpool()
        body = spool
        spool.append(bytes)
        await spool.settled()
    }

    /// Reads an address with or without its brackets.
    private static func address(_ path: [UInt8], _ letter: Character) throws(MilterFault) -> MailAddress {
        do throws(AddressSyntaxError) {
            return try MailAddress(parsing: bare(path))
        } catch {
            throw .malformed(letter.asciiValue ?? 0)
        }
    }

    private static func sender(_ path: [UInt8]) throws(MilterFault) -> ReversePath {
        bare(path).isEmpty ? .null : .mailbox(try address(path, "e"))
    }

    private static func bare(_ path: [UInt8]) -> [UInt8] {
        guard path.first == UInt8(ascii: "<"), path.last == UInt8(ascii: ">") else { return path }
        return Array(path.dropFirst().dropLast())
    }
}
