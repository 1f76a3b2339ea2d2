import Envelopes
import EventLoop
import Log
import MailSyntax
import Platform
import RoleProcess
import Routing
import SMTPProtocol
import TLS

/// Carries out what the client's machine says.
extension RelaySession {
    /// Octets gathered before they are sent.
    private static let gathered = 256 << 10
    /// How long a server may take to make room for more of a message (RFC 5321 section 4.5.3.2.5).
    private static let writeTimeout = Duration.seconds(180)

    func converse(over stream: SecurableStream, _ helo: Domain) async -> ConnectionEnd {
        var machine = ClientSession(settings: settings(helo))
        var content: RelayContent?
        // From the last step forward: a server that drips octets gains no time.
        var deadline = MonotonicInstant.now()
        var isNewStep = true
        while !isAbandoned {
            let step = machine.next()
            switch step {
            case .needsInput:
                guard await flush(stream, &machine) else { continue }
                if isNewStep { deadline = .now() + .seconds(machine.timeoutSeconds) }
                isNewStep = false
                await read(stream, &machine, deadline: deadline)
                continue
            case .send(let bytes):
                // A message of many octets is not copied to be alone in there.
                if output.isEmpty { output = bytes } else { output += bytes }
                reports?.sent(bytes)
                if output.count >= Self.gathered { _ = await flush(stream, &machine) }
            case .startTLS:
                guard await flush(stream, &machine) else { continue }
                if let failure = await shakeHands(over: stream) { return failure }
                machine.secured()
            case .ready(let capabilities):
                guard await flush(stream, &machine) else { continue }
                self.capabilities = capabilities
                reports?.transactionEnded()
                content = await proceed(&machine, stream)
            case .needsContent:
                reports?.contentBegins()
                await send(&content, &machine, stream)
            case .result(let recipient, let result):
                settle(recipient, result)
            case .close(let end):
                // A goodbye; whether it is heard does not matter.
                _ = stream.tryWrite(&output)
                return ConnectionEnd(end)
            }
            isNewStep = true
        }
        return .quit
    }

    // MARK: Octets

    private func read(_ stream: SecurableStream, _ machine: inout ClientSession, deadline: MonotonicInstant?) async {
        let result = await stream.read(deadline: deadline)
        traceIO(result.traced)
        switch result {
        case .bytes(let bytes): take(bytes, &machine)
        case .timedOut: machine.timedOut()
        case .end, .failed: machine.connectionLost()
        }
    }

    private func take(_ bytes: [UInt8], _ machine: inout ClientSession) {
        log.trace(TraceSubjects.mta, "\(id) <<< \(LogText.value(String(decoding: bytes.prefix(1_000), as: UTF8.self)))")
        reports?.received(bytes)
        machine.receive(bytes.span)
    }

    /// Sends what was gathered; false when the machine knows of a failure.
    private func flush(_ stream: SecurableStream, _ machine: inout ClientSession) async -> Bool {
        guard !output.isEmpty else { return true }
        let bytes = output
        output = []
        let result = await stream.write(bytes, deadline: .now() + Self.writeTimeout)
        traceIO(result.traced(bytes.count))
        switch result {
        case .written: return true
        case .timedOut:
            machine.timedOut()
        case .failed:
            // A server that refuses in the middle says why before it closes.
            while case .bytes(let bytes)? = stream.tryRead() { take(bytes, &machine) }
            machine.connectionLost()
        }
        return false
    }

    private func send(_ content: inout RelayContent?, _ machine: inout ClientSession, _ stream: SecurableStream) async {
        do throws(SystemError) {
            guard content != nil, let piece = try content?.next() else {
                return content == nil ? machine.contentFailed() : machine.endOfContent()
            }
            machine.content(piece)
        } catch {
            log.warning("\(id) mta message unreadable: \(error)")
            machine.contentFailed()
            return
        }
        // Between the pieces of a large message, for the server may have seen enough.
        guard content?.isLarge == true, case .bytes(let bytes)? = stream.tryRead() else { return }
        take(bytes, &machine)
    }

    // MARK: Transactions

    /// Says that a message may come, waits for it, and begins to send it.
    private func proceed(_ machine: inout ClientSession, _ stream: SecurableStream) async -> RelayContent? {
        tasks = []
        owner.ready(order.connection)
        while next == nil, !isAbandoned {
            isWaiting = true
            let result = await stream.read()
            isWaiting = false
            traceIO(result == .timedOut ? "has work to do" : result.traced)
            switch result {
            case .timedOut: break
            case .bytes(let bytes):
                take(bytes, &machine)
                return nil
            case .end, .failed:
                machine.connectionLost()
                return nil
            }
        }
        guard let assignment = next.take() else { return nil }
        switch assignment {
        case .quit:
            machine.quit()
            return nil
        case .message(let tasks):
            self.tasks = tasks
            return await begin(tasks, &machine)
        }
    }

    private func begin(_ tasks: [RelayTask], _ machine: inout ClientSession) async -> RelayContent? {
        // A transaction has an envelope.
        guard let first = tasks.first else { return nil }
        let message = first.message
        let sender: RelaySender
        do throws(DeliveryFailure) {
            sender = try await owner.sender(of: first, by: order.relay.action)
        } catch {
            for task in tasks { owner.settled(order.connection, task.envelope.id, .outcome(.temporary(error))) }
            return nil
        }
        messages += 1
        let content = await RelayContent(message, sender: sender, for: capabilities, isLMTP: order.isLMTP, dispatcher.view.serverName)
        if let first = tasks.first {
            reports?.began(first.envelope.id.message, sender: sender.reversePath, size: content.size)
        }
        machine.send(
            OutgoingMessage(
                sender: sender.reversePath,
                recipients: tasks.map {
                    OutgoingMessage.Recipient(
                        path: .address($0.envelope.destination), notify: $0.envelope.notify,
                        originalRecipient: $0.envelope.originalRecipient)
                },
                size: content.size, body: content.type, needsUTF8: message.transaction.needsUTF8,
                returnContent: message.transaction.returnContent,
                envelopeIdentifier: message.transaction.envelopeIdentifier))
        return content
    }

    private func settle(_ recipient: Int, _ result: ClientResult) {
        guard tasks.indices.contains(recipient) else { return }
        let envelope = tasks[recipient].envelope.id
        reports?.settled(tasks[recipient].envelope, result)
        switch result {
        case .outcome(let outcome): owner.settled(order.connection, envelope, .outcome(outcome))
        case .tooManyRecipients: owner.settled(order.connection, envelope, .tooManyRecipients)
        // The router knows what is open when the session ends, and may give it to another one.
        case .unsent: break
        }
    }
}
