import EventLoop
import Log
import MailSyntax
import SMTPProtocol
import TLS

/// Turning to TLS: at once for listeners of TLS alone, or when the client has said STARTTLS.
extension SMTPSession {
    /// Shakes hands and says so in the log.
    ///
    /// - Returns: What the client and this server agreed on; nil when they did not, and the session is over.
    func shakeHands(with context: TLSServerContext) async -> ChannelSecurity? {
        let deadline = MonotonicInstant.now() + dispatcher.handshakeTimeout
        do throws(TLSFailure) {
            // A client that says nothing takes no turn.
            switch await stream.readable(deadline: deadline) {
            case .ready: break
            case .timedOut: throw .timedOut
            case .closed: throw .closed
            }
            let handshakes = dispatcher.tls.handshakes
            await handshakes.begin(client.source.address)
            defer { handshakes.end(client.source.address) }
            guard !isEnding else { throw .closed }
            traceIO("TLS handshake begins")
            try await stream.startTLS(.server(context), deadline: deadline)
        } catch {
            traceIO("TLS handshake failed: \(error.text)")
            log.info("\(id) smtp tls-failed reason=\(LogText.value(error.text))")
            return nil
        }
        guard let facts = stream.facts else { return nil }
        traceIO("TLS handshake done: \(facts.suite)\(facts.isResumed ? ", resumed" : "")")
        if isImplicit { dispatcher.counts.implicitTLS += 1 } else { dispatcher.counts.startedTLS += 1 }
        log.info("\(id) smtp tls \(describe(facts))")
        return ChannelSecurity(
            version: facts.version, cipher: facts.cipher, bits: facts.bits, isClientVerified: facts.isPeerVerified,
            clientSubject: facts.peerSubject)
    }

    private func describe(_ facts: TLSFacts) -> String {
        var text = "ciphers=\(facts.suite)"
        if facts.isResumed { text += " resumed=yes" }
        if let subject = facts.peerSubject {
            text += " verified=\(facts.isPeerVerified ? "yes" : "no") subject=\(LogText.value(subject))"
        }
        if let problem = facts.verificationProblem { text += " reason=\(LogText.value(problem))" }
        return text
    }
}
