import ControlMessages
import Platform
import Submission

/// `-bv`: asks the daemon about each address as a delivery would, and says what it answers.
enum RecipientVerification {
    static func run(_ options: SubmissionOptions, _ console: Console, _ paths: InstallationPaths) -> ExitCode {
        do {
            let surroundings = try Surroundings()
            let sender = try SubmissionSender(
                options: options, user: surroundings.user, realName: surroundings.realName,
                domain: surroundings.domain)
            var recipients = RecipientList()
            for argument in options.recipients { recipients.add(argument, domain: surroundings.domain) }
            for item in recipients.invalid { console.write("\(printableText(item[...]))... no mail address\n") }
            guard !recipients.addresses.isEmpty else { return .noUser }
            var session = try DaemonSession(paths, showing: options.isVerbose ? console : nil)
            var dialogue = SubmissionDialogue(
                SubmissionEnvelope(sender: sender.reversePath, recipients: recipients.addresses),
                content: .init(isEightBit: false, size: nil, canRepeat: false), verifies: true)
            let outcome = session.run(&dialogue) { _ in preconditionFailure("verifying sends no message") }
            for address in outcome.accepted { console.write("\(address.text)... deliverable\n") }
            for refusal in outcome.refused { console.write("\(refusal.recipient.text)... \(refusal.reply.text)\n") }
            if let failure = outcome.failure { console.complain(failure.text) }
            return outcome.status == .ok && !recipients.invalid.isEmpty ? .noUser : outcome.status
        } catch let error as UsageError {
            console.complain("\(error)")
            return .usage
        } catch let error as ControlClientError {
            console.complain("\(error)")
            return error == .notRunning ? .unavailable : .temporaryFailure
        } catch {
            console.complain("\(error)")
            return .systemError
        }
    }
}
