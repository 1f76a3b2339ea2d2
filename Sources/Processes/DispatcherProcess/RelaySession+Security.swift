import Authentication
import Certificates
import Cryptography
import EventLoop
import Log
import MailSyntax
import Passwords
import Routing
import SMTPProtocol
import TLS

/// TLS and credentials of a connection, as the route demands them.
extension RelaySession {
    private static let handshakeTimeout = Duration.seconds(60)

    /// What is said to the machine about them.
    func settings(_ helo: Domain) -> ClientSettings {
        var settings = ClientSettings(kind: order.isLMTP ? .lmtp : .smtp, helo: helo)
        switch order.security {
        case .never, .contradictory: break
        case .opportunistic: settings.startTLS = .whenOffered
        case .startTLS: settings.startTLS = .required
        case .implicit: settings.isProtected = true
        }
        settings.login = identity.map {
            // A nonce that nobody has seen.
            ClientLogin(identity: $0, nonce: Base64.encoded(cryptographicRandom(18)), functions: .libcrypto)
        }
        return settings
    }

    /// Shakes hands; the result is nil when the channel is one of TLS now.
    func shakeHands(over stream: SecurableStream) async -> ConnectionEnd? {
        let context: TLSClientContext
        do throws(ConfiguredTLSFailure) {
            context = try dispatcher.tls.clientContext(terms)
        } catch {
            return .localFailure("\(error)")
        }
        do throws(TLSFailure) {
            traceIO("TLS handshake begins")
            try await stream.startTLS(.client(context, host: order.hostName), deadline: .now() + Self.handshakeTimeout)
        } catch {
            traceIO("TLS handshake failed: \(error.text)")
            log.info("\(id) mta tls-failed reason=\(LogText.value(error.text)) \(place)")
            if case .unverified = error { return .untrusted(error.text) }
            return .tlsFailed(error.text)
        }
        guard let facts = stream.facts else { return .tlsFailed("no facts about the connection") }
        traceIO("TLS handshake done: \(facts.suite)\(facts.isResumed ? ", resumed" : "")")
        reports?.secured("\(facts.version):\(facts.cipher):\(facts.bits)")
        protection = "\(facts.suite):\(facts.isPeerVerified ? "verified" : "unverified")"
        var line = "\(id) mta tls ciphers=\(protection)"
        if let problem = facts.verificationProblem { line += " reason=\(LogText.value(problem))" }
        log.info("\(line) \(place)")
        return nil
    }

    private var terms: DispatcherTLS.RelayTerms {
        let action = order.relay.action
        let verification: TLSClientSettings.Verification =
            switch order.security {
            case .startTLS(verified: true), .implicit(verified: true): .required
            case .never, .opportunistic, .startTLS, .implicit, .contradictory: .noted
            }
        return DispatcherTLS.RelayTerms(
            certificate: action.keyPair, authority: action.authority, ciphers: action.ciphers, protocols: action.protocols,
            verification: verification)
    }
}

extension ConnectionEnd {
    /// What the end of a session means for the route.
    init(_ end: ClientEnd) {
        switch end {
        case .quit: self = .quit
        case .failed(let failure):
            let text = failure.deliveryFailure.text
            switch failure {
            case .refused: self = .refused(text)
            case .tlsNotOffered, .tlsRefused: self = .tlsFailed(text)
            case .unprotectedLogin, .noCommonMechanism, .loginRefused, .loginFailed: self = .authenticationFailed(text)
            case .malformedReply, .unexpectedReply, .connectionLost, .timeout: self = .broken(text)
            case .contentFailed: self = .localFailure(text)
            }
        }
    }
}
