import AgentMessages
import Configuration
import Envelopes
import EventLoop
import MailSyntax
import ProcessMessages
import Rules

/// From an envelope and its action to what an agent is asked: templates expanded, paths final.
extension DeliveryRequest {
    /// - Parameters:
    ///   - user: As whom the agent runs, and where that user lives.
    ///   - mailDirectory: Where system mailboxes are.
    ///   - programs: Where the delivery programs are that a wrapper gets.
    /// - Throws: The failure of the delivery when a template cannot be expanded for this message.
    @EventLoopActor
    init(
        id: UInt64, task: LocalTask, user: UserEntry, delimiter: UInt8, generation: Generation, mailDirectory: String,
        programs: String
    ) throws(DeliveryFailure) {
        let envelope = task.envelope
        let name = task.delivery.user ?? user.name
        let values = FormatValues(
            sender: task.message.transaction.sender, recipient: envelope.recipient, destination: envelope.destination,
            userName: name, userDirectory: user.directory, subaddressDelimiter: delimiter)

        // The older generation found out at RCPT, where it was temporary.
        func unusable(_ template: String, _ error: FormatTemplate.FormatError) -> DeliveryFailure {
            DeliveryFailure(status: generation == .accept ? "4.3.5" : "5.3.5", text: "\(template): \(error)")
        }
        func expand(_ template: String, for use: FormatUse) throws(DeliveryFailure) -> String {
            do throws(FormatTemplate.FormatError) {
                return try FormatTemplate(template, generation: generation).expand(values, for: use)
            } catch {
                throw unusable(template, error)
            }
        }
        func wrapped() throws(DeliveryFailure) -> String? {
            guard let wrapper = task.action.wrapper else { return nil }
            do throws(FormatTemplate.FormatError) {
                return try WrappedDelivery(wrapper: wrapper, programs: programs, values: values, generation: generation)
                    .line(task.delivery.method, by: task.action.method)
            } catch {
                throw unusable(wrapper, error)
            }
        }
        func command(_ line: String) -> DeliveryMethod {
            .command(
                AgentCommand(
                    line: line, user: name, home: user.directory, subaddress: task.delivery.subaddress,
                    everyFailureIsTemporary: task.action.everyFailureIsTemporary))
        }

        func localPart(of name: String) throws(DeliveryFailure) -> LocalPart {
            do throws(AddressSyntaxError) {
                return try LocalPart(validating: Array(name.utf8))
            } catch {
                throw DeliveryFailure(status: "5.1.1", text: "user \(name) is no recipient an LMTP server can be told")
            }
        }

        func plain() throws(DeliveryFailure) -> DeliveryMethod {
            switch task.delivery.method {
            case .pipe(let line): return command(line)
            case .file(let path): return .file(path: path)
            case .action: break
            }
            switch task.action.method {
            case .mbox:
                return .mbox(path: mailDirectory + "/" + String(decoding: PathSafety.component(Array(name.utf8)), as: UTF8.self))
            case .maildir(let template, let junk):
                return .maildir(
                    path: try expand(template ?? "~/Maildir", for: .path), subaddress: task.delivery.subaddress, filesJunk: junk)
            case .lmtp(let destination, let usesRecipientAddress):
                return .lmtp(
                    destination: try expand(destination, for: .path),
                    recipient: usesRecipientAddress ? .address(envelope.destination) : .user(try localPart(of: name)))
            case .command(let template):
                return command(try expand(template, for: .command))
            case .forwardOnly, .expandOnly:
                throw DeliveryFailure(status: "4.3.5", text: "the action \(envelope.action) delivers nothing itself")
            }
        }

        let method: DeliveryMethod = if let line = try wrapped() { command(line) } else { try plain() }
        let body: DeliveryBody =
            switch task.message.body {
            case .inline(let bytes): .inline(bytes)
            case .file(let file): .descriptor(offset: 0, size: file.size)
            }
        self.init(
            id: id, envelope: envelope.id, created: envelope.created, isRepeat: task.isRepeat,
            sender: task.message.transaction.sender, recipient: envelope.recipient, destination: envelope.destination,
            method: method, body: body)
    }
}
