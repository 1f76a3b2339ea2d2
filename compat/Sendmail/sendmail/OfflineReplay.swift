import ControlMessages
import Envelopes
import Glibc
import MailSyntax
import Platform
import Submission

/// `sendmail --replay-offline`, which only the daemon's parent runs: hands the file of the offline directory on
/// standard input in, as the user to whom the file belongs.
///
/// The exit status tells the parent what becomes of the file: 0 it is taken care of and goes; 65 it is damaged, 69
/// it is refused for good and nobody can be told: it is set aside; anything else: it is tried again later. Whoever
/// else runs this submits a message as himself.
struct OfflineReplay {
    private let console: Console
    private let paths: InstallationPaths

    static func run(_ console: Console, _ paths: InstallationPaths) -> ExitCode {
        OfflineReplay(console: console, paths: paths).run()
    }

    private func run() -> ExitCode {
        do throws(OfflineFileError) {
            var file = try OfflineFile()
            return replay(&file)
        } catch {
            switch error {
            case .damaged(let reason):
                console.complain("damaged: \(reason)")
                return .badData
            case .unreadable(let reason):
                console.complain("\(reason)")
                return .temporaryFailure
            }
        }
    }

    private func replay(_ file: inout OfflineFile) -> ExitCode {
        let content = SubmissionDialogue.Content(
            isEightBit: file.isEightBit, size: file.messageLength, canRepeat: true)
        guard let outcome = submit(file.envelope, content, &file) else { return .temporaryFailure }
        let verdict = ReplayVerdict(outcome)
        var waiting = verdict.waiting
        if !waiting.isEmpty { console.complain("recipients wait: \(verdict.delay)") }
        if !verdict.refused.isEmpty {
            for refusal in verdict.refused { console.complain("\(refusal.recipient.text): \(refusal.reason)") }
            switch report(verdict.refused, &file) {
            case .sent, .unwanted: break
            case .impossible where !verdict.isTaken && waiting.isEmpty: return .unavailable
            case .impossible: console.complain("and the sender cannot be told")
            case .waits: waiting += verdict.refused.map(\.recipient)
            }
        }
        if waiting.isEmpty { return .ok }
        guard waiting.count < file.envelope.recipients.count else { return .temporaryFailure }
        return keep(file.envelope, for: waiting, &file)
    }

    /// Nil when the daemon cannot be asked, or the file cannot be read.
    private func submit(
        _ envelope: SubmissionEnvelope, _ content: SubmissionDialogue.Content,
        _ message: inout some MessagePieces & Rewindable
    ) -> SubmissionOutcome? {
        do {
            var session = try DaemonSession(paths, showing: nil)
            var dialogue = SubmissionDialogue(envelope, content: content)
            return try session.run(&dialogue) { send throws(MessageInputError) in
                message.rewind()
                while let piece = try message.nextPiece() { send(piece[...]) }
            }
        } catch let error as MessageInputError {
            console.complain(error.description)
        } catch {
            console.complain("\(error)")
        }
        return nil
    }

    // MARK: Who did not get it

    private enum Report {
        case sent
        /// Nobody is to be told.
        case unwanted
        /// The sender's own address is refused.
        case impossible
        /// The daemon does not take it now.
        case waits
    }

    private func report(_ refused: [ReplayVerdict.Refusal], _ file: inout OfflineFile) -> Report {
        guard file.envelope.wantsFailureReport, let sender = file.envelope.sender.address else { return .unwanted }
        do {
            let original = try beginning(of: &file)
            let token = try ThisProcess.randomBytes(12).map { String($0, radix: 16) }.joined()
            guard
                let report = file.envelope.failureReport(
                    about: refused, from: try Surroundings.mailDomain(), at: Int64(time(nil)), original: original,
                    size: file.messageLength, token: token)
            else { return .unwanted }
            let envelope = SubmissionEnvelope(sender: .null, recipients: [sender], notify: .never)
            let content = SubmissionDialogue.Content(
                isEightBit: report.body == .eightBitMIME, size: report.bytes.count, canRepeat: true)
            var message = WholeMessage(report.bytes)
            guard let outcome = submit(envelope, content, &message) else { return .waits }
            let verdict = ReplayVerdict(outcome)
            if verdict.isTaken { return .sent }
            return verdict.waiting.isEmpty ? .impossible : .waits
        } catch let error as MessageInputError {
            console.complain(error.description)
        } catch {
            console.complain("\(error)")
        }
        return .waits
    }

    /// As much of the message as a report may return.
    private func beginning(of file: inout OfflineFile) throws(MessageInputError) -> [UInt8] {
        file.rewind()
        var bytes: [UInt8] = []
        while bytes.count < ReportMessage.maximumReturned, let piece = try file.nextPiece() { bytes += piece }
        return Array(bytes.prefix(ReportMessage.maximumReturned))
    }

    /// Puts the message back for those who still wait, since the others must not get it twice.
    private func keep(
        _ envelope: SubmissionEnvelope, for recipients: [MailAddress], _ file: inout OfflineFile
    ) -> ExitCode {
        var rest = envelope
        rest.recipients = recipients
        file.rewind()
        do throws(MessageInputError) {
            return try OfflineDelivery.store(rest, &file, console, paths) == .ok ? .ok : .temporaryFailure
        } catch {
            console.complain(error.description)
            return .temporaryFailure
        }
    }
}

/// A message that can be given out more than once.
protocol Rewindable {
    mutating func rewind()
}

extension OfflineFile: Rewindable {}

/// A message in memory.
private struct WholeMessage: MessagePieces, Rewindable {
    let beginning: [UInt8] = []
    private let bytes: [UInt8]
    private var isGivenOut = false

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func rewind() { isGivenOut = false }

    mutating func nextPiece() -> [UInt8]? {
        if isGivenOut { return nil }
        isGivenOut = true
        return bytes
    }
}
