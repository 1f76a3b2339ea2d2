import ControlMessages
import MailSyntax
import Platform
import Submission

/// Hands the message on standard input in: to the daemon, or to the offline directory while none answers.
struct MessageDelivery {
    private let options: SubmissionOptions
    private let console: Console
    private let paths: InstallationPaths

    init(_ options: SubmissionOptions, _ console: Console, _ paths: InstallationPaths) {
        self.options = options
        self.console = console
        self.paths = paths
    }

    func run() -> ExitCode {
        do {
            let surroundings = try Surroundings()
            let sender = try SubmissionSender(
                options: options, user: surroundings.user, realName: surroundings.realName,
                domain: surroundings.domain)
            var input = MessageInput(
                MessageFilter.Settings(
                    domain: surroundings.domain, ignoresDots: options.ignoresDots,
                    collectsRecipients: options.collectsRecipients, from: sender.fromField,
                    date: surroundings.date, messageID: surroundings.messageID))
            try input.readBeginning()
            let recipients = recipients(input, surroundings.domain)
            guard !recipients.isEmpty else {
                console.complain("no recipients in the arguments or the header")
                return .badData
            }
            for item in recipients.invalid { console.complain("\(printableText(item[...])): no mail address") }
            guard !recipients.addresses.isEmpty else { return .noUser }
            let envelope = SubmissionEnvelope(
                sender: sender.reversePath, recipients: recipients.addresses, notify: options.notify,
                returnContent: options.returnContent, envelopeIdentifier: options.envelopeIdentifier)
            let status = try submit(envelope, &input)
            return status == .ok && !recipients.invalid.isEmpty ? .noUser : status
        } catch let error as UsageError {
            console.complain("\(error)")
            return .usage
        } catch let error as MessageInputError {
            console.complain("\(error.description); nothing was sent")
            return error.code
        } catch {
            console.complain("\(error)")
            return .systemError
        }
    }

    private func recipients(_ input: MessageInput, _ domain: Domain) -> RecipientList {
        var list = RecipientList()
        for argument in options.recipients { list.add(argument, domain: domain) }
        if let header = input.filter.headerRecipients { list.add(header) }
        return list
    }

    private func submit(_ envelope: SubmissionEnvelope, _ input: inout MessageInput) throws(MessageInputError)
        -> ExitCode
    {
        var session: DaemonSession
        do throws(ControlClientError) {
            session = try DaemonSession(paths, showing: options.isVerbose ? console : nil)
        } catch {
            switch error {
            case .notRunning, .timedOut, .closed, .failed, .malformedAnswer:
                return try OfflineDelivery.store(envelope, &input, console, paths)
            case .noSession, .incompatible:
                // The daemon runs and would not look into the offline directory before its next start.
                console.complain("\(error)")
                return .temporaryFailure
            }
        }
        var dialogue = SubmissionDialogue(
            envelope,
            content: .init(
                // Of a longer message the rest may hold anything.
                isEightBit: input.filter.isEightBit || !input.isWhole,
                size: input.isWhole ? input.beginning.count : nil, canRepeat: input.isWhole))
        let outcome = try session.run(&dialogue) { send throws(MessageInputError) in
            send(input.beginning[...])
            while let piece = try input.nextPiece() { send(piece[...]) }
        }
        if outcome.canGoElsewhere, input.isWhole {
            return try OfflineDelivery.store(envelope, &input, console, paths)
        }
        report(outcome)
        return outcome.status
    }

    private func report(_ outcome: SubmissionOutcome) {
        for refusal in outcome.refused { console.complain("\(refusal.recipient.text): \(refusal.reply.text)") }
        guard let failure = outcome.failure else { return }
        if outcome.accepted.isEmpty {
            console.complain("the message was not taken: \(failure.text)")
        } else {
            let names = outcome.abandoned.map(\.text).joined(separator: ", ")
            console.complain("the message was not taken for \(names): \(failure.text)")
        }
    }
}
