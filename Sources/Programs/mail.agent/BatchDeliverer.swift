import AgentMessages
import Envelopes
import Glibc
import MailSyntax
import MailboxDelivery
import Platform
import SMTPProtocol

/// Carries out a batch of requests: what goes to one place goes there together.
struct BatchDeliverer {
    private let host: String
    private let isForMailboxes: Bool

    enum Result {
        case done(request: UInt64, DeliveryOutcome)
        /// A command that runs on.
        case started(request: UInt64, CommandDelivery)
    }

    private struct MailboxKey: Hashable {
        let path: String
        let isSystemMailbox: Bool
    }

    init(host: String, isForMailboxes: Bool) {
        self.host = host
        self.isForMailboxes = isForMailboxes
    }

    /// A result for each request, in any order.
    func deliver(_ batch: [(request: DeliveryRequest, body: SharedDescriptor?)]) -> [Result] {
        var results: [Result] = []
        var maildirs: [(UInt64, Maildir.Delivery)] = []
        var mailboxes: [MailboxKey: [(UInt64, Mbox.Delivery)]] = [:]
        var servers: [String: [(UInt64, LMTPDelivery.Delivery)]] = [:]
        for (request, body) in batch {
            if isForMailboxes, !request.method.isSystemMailbox {
                let failure = DeliveryFailure(status: "4.3.5", text: "This agent delivers to system mailboxes only")
                results.append(.done(request: request.id, .temporary(failure)))
                continue
            }
            let message = source(request, body)
            do throws(SystemError) {
                if try message.header().isDelivered(to: request.destination) {
                    results.append(.done(request: request.id, .loop))
                    continue
                }
            } catch {
                results.append(.done(request: request.id, DeliveryError.system(error).outcome))
                continue
            }
            switch request.method {
            case .maildir(let path, let subaddress, let filesJunk):
                let name = MaildirName(created: request.created, envelope: request.envelope, host: host)
                maildirs.append((
                    request.id,
                    Maildir.Delivery(
                        message: message, path: path, name: name, subaddress: subaddress, filesJunk: filesJunk,
                        isRepeat: request.isRepeat)
                ))
            case .mbox(let path):
                mailboxes[MailboxKey(path: path, isSystemMailbox: true), default: []]
                    .append((request.id, Mbox.Delivery(message: message, sender: request.sender)))
            case .file(let path):
                mailboxes[MailboxKey(path: path, isSystemMailbox: false), default: []]
                    .append((request.id, Mbox.Delivery(message: message, sender: request.sender)))
            case .lmtp(let destination, let recipient):
                servers[destination, default: []].append((
                    request.id,
                    LMTPDelivery.Delivery(
                        message: message, sender: request.sender, recipients: [recipient.path], size: request.totalSize)
                ))
            case .command(let command):
                results.append(start(command, request, message))
            }
        }
        for (id, outcome) in zip(maildirs.map(\.0), Maildir().deliver(maildirs.map(\.1))) {
            results.append(.done(request: id, outcome))
        }
        for (key, deliveries) in mailboxes {
            let mbox = Mbox(path: key.path, kind: key.isSystemMailbox ? .systemMailbox : .file)
            for (id, outcome) in zip(deliveries.map(\.0), mbox.deliver(deliveries.map(\.1))) {
                results.append(.done(request: id, outcome))
            }
        }
        for (destination, deliveries) in servers {
            for (id, outcome) in zip(deliveries.map(\.0), deliver(deliveries.map(\.1), to: destination)) {
                results.append(.done(request: id, outcome))
            }
        }
        return results
    }

    private func source(_ request: DeliveryRequest, _ body: SharedDescriptor?) -> MessageSource {
        let content: MessageSource.Content =
            switch (request.body, body) {
            case (.inline(let bytes), _): .bytes(bytes)
            case (.descriptor(let offset, let size), .some(let file)):
                // Both were checked to fit when the request was read.
                .extent(file, offset: Int64(offset), size: Int64(size))
            case (.descriptor, nil): preconditionFailure("a request is read together with its descriptor")
            }
        return MessageSource(prefix: request.prefix, content)
    }

    private func start(_ command: AgentCommand, _ request: DeliveryRequest, _ message: MessageSource) -> Result {
        let environment = CommandEnvironment(
            sender: request.sender, recipient: request.recipient, destination: request.destination,
            user: command.user, home: command.home, subaddress: command.subaddress)
        do throws(SystemError) {
            let running = try CommandDelivery(
                CommandDelivery.Request(
                    line: command.line, environment: environment.variables, directory: command.home,
                    everyFailureIsTemporary: command.everyFailureIsTemporary),
                message: message)
            return .started(request: request.id, running)
        } catch {
            return .done(request: request.id, DeliveryError.system(error).outcome)
        }
    }

    private func deliver(_ batch: [LMTPDelivery.Delivery], to destination: String) -> [DeliveryOutcome] {
        guard let server = LMTPDestination(destination) else {
            let failure = DeliveryFailure(status: "4.3.5", text: printable("Invalid LMTP destination \(destination)"))
            return batch.map { _ in .temporary(failure) }
        }
        // One recipient each, so one result each.
        return LMTPDelivery(to: server, helo: localHost).deliver(batch).flatMap { $0 }
    }
}

/// The name the delivery programs have always said in LHLO.
let localHost: Domain = {
    // A host name, as the grammar of ``Domain`` has it.
    try! Domain(validating: Array("localhost".utf8))
}()

extension DeliveryRequest {
    /// The fields that delivery adds. A server of LMTP makes the final delivery and writes Return-Path itself
    /// (RFC 5321 section 4.4).
    fileprivate var prefix: [UInt8] {
        if case .lmtp = method { deliveredToField(recipient) } else { deliveryFields(sender: sender, recipient: recipient) }
    }

    fileprivate var totalSize: Int64 {
        let size: Int64 =
            switch body {
            case .inline(let bytes): Int64(bytes.count)
            case .descriptor(_, let size): Int64(clamping: size)
            }
        return size.addingReportingOverflow(Int64(prefix.count)).partialValue
    }
}

extension DeliveryMethod {
    fileprivate var isSystemMailbox: Bool { if case .mbox = self { true } else { false } }
}

extension LMTPRecipient {
    fileprivate var path: OutgoingMessage.Path {
        switch self {
        case .user(let localPart): .user(localPart)
        case .address(let address): .address(address)
        }
    }
}
