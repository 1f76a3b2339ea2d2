import MailSyntax

/// Makes of the content a client sends the message that is stored: trace header in front, header
/// section completed and cleaned, body untouched.
///
/// - `Bcc` fields go away with their continuation lines;
/// - `From` becomes the sender's where that is wanted;
/// - addresses without a domain in `From`, `To` and `Cc` get this host's;
/// - `Date` and `Message-ID` are added where that is wanted and they are missing;
/// - all else stays byte for byte.
///
/// It streams. At most one header line and one address field are held, both bounded.
package struct MessageIntake {
    /// What to do to a header.
    package struct Policy: Hashable, Sendable {
        package var hostname: Domain
        /// Adds `Date` and `Message-ID` fields where they are missing.
        package var completesHeader: Bool
        /// Whose address `From` shows, nil to leave it.
        package var masquerade: MailAddress?
        package var opened: OpenedMessage
        package var limits: SessionLimits

        package init(
            hostname: Domain, completesHeader: Bool, masquerade: MailAddress? = nil, opened: OpenedMessage,
            limits: SessionLimits
        ) {
            self.hostname = hostname
            self.masquerade = masquerade
            self.completesHeader = completesHeader
            self.opened = opened
            self.limits = limits
        }
    }

    private enum State {
        case header(HeaderSection)
        case body
        case failed(MessageFault)
    }

    private let policy: Policy
    private var state = State.header(HeaderSection())
    /// Given out with the first content.
    private var trace: [UInt8]
    private var contentSize: Int64 = 0
    /// Octets given out so far.
    package private(set) var storedSize: Int64 = 0

    package init(trace: TraceHeader, policy: Policy) {
        self.policy = policy
        self.trace = trace.bytes
    }

    /// For a message that has its trace header.
    init(policy: Policy) {
        self.policy = policy
        trace = []
    }

    /// Why the message is refused, nil while it is not.
    package var fault: MessageFault? {
        if case .failed(let fault) = state { fault } else { nil }
    }

    /// Takes more content, lines ended by LF, and gives what to store of it: nothing after a fault.
    package mutating func append(_ content: [UInt8]) -> [UInt8] {
        contentSize += Int64(content.count)
        if contentSize > policy.limits.messageSize, fault == nil { state = .failed(.tooLarge) }
        var output: [UInt8]
        switch state {
        case .failed:
            return []
        case .body:
            output = content
        case .header(var header):
            // Out of the state while it changes, so that its buffers are not copied.
            state = .body
            output = trace
            trace = []
            do throws(MessageFault) {
                if let rest = try header.take(content, policy, onto: &output) {
                    output += content[rest...]
                } else {
                    state = .header(header)
                }
            } catch {
                state = .failed(error)
                return []
            }
        }
        storedSize += Int64(output.count)
        return output
    }

    /// Ends the message and gives the last octets to store.
    package mutating func finish() -> [UInt8] {
        guard case .header(var header) = state else { return [] }
        var output = trace
        trace = []
        // The lines are complete: the decoder ends the last one.
        header.finish(policy, onto: &output)
        state = .body
        storedSize += Int64(output.count)
        return output
    }
}
