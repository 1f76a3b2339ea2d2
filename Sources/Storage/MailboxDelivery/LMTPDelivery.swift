import Envelopes
import Glibc
import MailSyntax
import Platform
import SMTPProtocol

/// Delivery to an LMTP server (RFC 2033): one connection, any number of messages, waiting in place.
///
/// The conversation itself is ``ClientSession``. Silence is bounded by its timeouts, counted from the last
/// step forward, so that a server which drips octets gains no time.
package struct LMTPDelivery {
    private let destination: LMTPDestination
    private let helo: Domain
    /// Replaces the session's own timeouts, in milliseconds; nil but in tests.
    private let timeout: Int64?

    /// One message for recipients of the server.
    package struct Delivery {
        package var message: MessageSource
        package var sender: ReversePath
        /// At least one.
        package var recipients: [OutgoingMessage.Path]
        /// Octets of the message, prefix included.
        package var size: Int64

        package init(message: MessageSource, sender: ReversePath, recipients: [OutgoingMessage.Path], size: Int64) {
            self.message = message
            self.sender = sender
            self.recipients = recipients
            self.size = size
        }
    }

    /// How long one address may take to connect, in milliseconds.
    private static let connectTimeout: Int32 = 30_000

    /// - Parameter helo: What is said in LHLO.
    package init(to destination: LMTPDestination, helo: Domain, timeout: Int64? = nil) {
        self.destination = destination
        self.helo = helo
        self.timeout = timeout
    }

    /// Delivers all over one connection; a result for each recipient of each delivery, in order. When the
    /// session breaks, what has no result is to be tried again.
    package func deliver(_ batch: [Delivery]) -> [[DeliveryOutcome]] {
        let socket: OwnedDescriptor
        do throws(SystemError) {
            socket = try connect()
        } catch {
            let failure = DeliveryFailure(status: "4.4.1", text: printable("\(error)"))
            return batch.map { $0.recipients.map { _ in .temporary(failure) } }
        }
        return converse(batch, over: socket)
    }

    private func connect() throws(SystemError) -> OwnedDescriptor {
        var failure = SystemError("connect", code: EHOSTUNREACH)
        for address in try destination.addresses() {
            do throws(SystemError) {
                let socket = try ConnectingSocket.wait(to: address, timeout: Self.connectTimeout)
                try socket.setNonBlocking()
                return socket
            } catch {
                failure = error
            }
        }
        throw failure
    }

    private func converse(_ batch: [Delivery], over socket: borrowing OwnedDescriptor) -> [[DeliveryOutcome]] {
        var session = ClientSession(settings: ClientSettings(kind: .lmtp, helo: helo))
        var results = batch.map { [DeliveryOutcome?](repeating: nil, count: $0.recipients.count) }
        var next = 0
        var deadline = self.deadline(session)
        while true {
            let step = session.next()
            if step != .needsInput { deadline = self.deadline(session) }
            switch step {
            case .needsInput:
                switch read(socket, until: deadline) {
                case .bytes(let bytes): session.receive(bytes.span)
                case .end: session.connectionLost()
                case .timeout: session.timedOut()
                }
            case .send(let bytes):
                switch write(bytes, to: socket, until: deadline) {
                case .bytes: break
                case .end: session.connectionLost()
                case .timeout: session.timedOut()
                }
            case .startTLS:
                preconditionFailure("TLS was not asked for")
            case .ready:
                guard next < batch.count else {
                    session.quit()
                    continue
                }
                session.send(outgoing(batch[next]))
                next += 1
            case .needsContent:
                do throws(SystemError) {
                    // `ready` came before, and with it a message.
                    if let chunk = try batch[next - 1].message.next() { session.content(chunk) } else { session.endOfContent() }
                } catch {
                    session.contentFailed()
                }
            case .result(let recipient, let result):
                results[next - 1][recipient] = reported(result)
            case .close(let end):
                let failure = switch end {
                case .quit: DeliveryFailure(status: "4.5.0", text: "No reply for this recipient")
                case .failed(let failure): reported(failure.deliveryFailure)
                }
                return results.map { $0.map { $0 ?? .temporary(failure) } }
            }
        }
    }

    private func outgoing(_ delivery: Delivery) -> OutgoingMessage {
        let addresses = (delivery.sender.address?.bytes ?? []) + delivery.recipients.flatMap { path in
            switch path {
            case .address(let address): address.bytes
            case .user(let localPart): localPart.bytes
            }
        }
        return OutgoingMessage(
            sender: delivery.sender, recipients: delivery.recipients.map { OutgoingMessage.Recipient(path: $0) },
            size: delivery.size, body: .eightBitMIME, needsUTF8: addresses.contains { $0 >= 0x80 })
    }

    private func reported(_ result: ClientResult) -> DeliveryOutcome {
        switch result {
        case .outcome(let outcome): reported(outcome)
        case .tooManyRecipients: .temporary(DeliveryFailure(status: "4.5.3", text: "Too many recipients"))
        case .unsent(let failure): .temporary(reported(failure))
        }
    }

    /// The server's words, as short as a report may be.
    private func reported(_ outcome: DeliveryOutcome) -> DeliveryOutcome {
        switch outcome {
        case .delivered(let text): .delivered(printable(text))
        case .temporary(let failure): .temporary(reported(failure))
        case .permanent(let failure): .permanent(reported(failure))
        case .loop: .loop
        }
    }

    private func reported(_ failure: DeliveryFailure) -> DeliveryFailure {
        DeliveryFailure(status: failure.status, text: printable(failure.text))
    }

    // MARK: The socket

    private enum Transfer {
        case bytes([UInt8])
        case end
        case timeout
    }

    private func deadline(_ session: ClientSession) -> Int64 {
        monotonicMilliseconds() + (timeout ?? session.timeoutSeconds * 1_000)
    }

    private func read(_ socket: borrowing OwnedDescriptor, until deadline: Int64) -> Transfer {
        let raw = socket.raw
        while true {
            do throws(SystemError) {
                let bytes = try readSome(16_384) { Glibc.read(raw, $0.baseAddress, $0.count) }
                return bytes.isEmpty ? .end : .bytes(bytes)
            } catch {
                guard error.code == EAGAIN else { return .end }
            }
            guard isReady(raw, POLLIN, until: deadline) else { return .timeout }
        }
    }

    private func write(_ bytes: [UInt8], to socket: borrowing OwnedDescriptor, until deadline: Int64) -> Transfer {
        let raw = socket.raw
        var rest = bytes[...]
        while !rest.isEmpty {
            // A server that leaves must not end us with SIGPIPE.
            let count = rest.withUnsafeBytes { send(raw, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                guard isReady(raw, POLLOUT, until: deadline) else { return .timeout }
            } else if errno != EINTR {
                return .end
            }
        }
        return .bytes([])
    }

    private func isReady(_ raw: CInt, _ event: CInt, until deadline: Int64) -> Bool {
        var request = pollfd(fd: raw, events: Int16(event), revents: 0)
        while true {
            let left = deadline - monotonicMilliseconds()
            guard left > 0 else { return false }
            if poll(&request, 1, CInt(min(left, 3_600_000))) > 0 { return true }
        }
    }
}
