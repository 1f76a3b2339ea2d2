import COpenSSL
import CTLS

/// What two peers have agreed on.
package struct TLSFacts: Hashable, Sendable {
    /// Such as `TLSv1.3`.
    package var version: String
    /// Such as `TLS_AES_256_GCM_SHA384`.
    package var cipher: String
    /// Secret bits of the cipher.
    package var bits: Int
    /// The peer showed a certificate that verifies: its chain, its dates, and a server's name.
    package var isPeerVerified: Bool
    /// Whose certificate the peer showed, verified or not; nil for none.
    package var peerSubject: String?
    /// Why a certificate that was shown does not verify; nil when it does, and without one.
    package var verificationProblem: String?
    /// The peers knew each other from an earlier connection.
    package var isResumed: Bool

    /// For tests and for other sources of facts.
    package init(
        version: String, cipher: String, bits: Int, isPeerVerified: Bool = false, peerSubject: String? = nil,
        verificationProblem: String? = nil, isResumed: Bool = false
    ) {
        self.version = version
        self.cipher = cipher
        self.bits = bits
        self.isPeerVerified = isPeerVerified
        self.peerSubject = peerSubject
        self.verificationProblem = verificationProblem
        self.isResumed = isResumed
    }

    /// Of a connection whose handshake is done.
    init(of raw: OpaquePointer) {
        let cipher = SSL_get_current_cipher(raw)
        version = String(cString: SSL_get_version(raw))
        self.cipher = SSL_CIPHER_get_name(cipher).map { String(cString: $0) } ?? "unknown"
        bits = Int(SSL_CIPHER_get_bits(cipher, nil))
        isResumed = SSL_session_reused(raw) == 1
        let result = SSL_get_verify_result(raw)
        if let certificate = SSL_get0_peer_certificate(raw) {
            isPeerVerified = result == X509_V_OK
            peerSubject = Self.subject(of: certificate)
            verificationProblem = isPeerVerified ? nil : Self.problem(result)
        } else {
            isPeerVerified = false
            peerSubject = nil
            verificationProblem = nil
        }
    }

    /// The library's words for why a certificate does not verify.
    static func problem(_ result: Int) -> String {
        X509_verify_cert_error_string(result).map { String(cString: $0) } ?? "error \(result)"
    }

    /// Cut to what a log line or a header field can carry.
    private static func subject(of certificate: OpaquePointer) -> String {
        let room = 256
        return String(unsafeUninitializedCapacity: room) { buffer in
            buffer.withMemoryRebound(to: CChar.self) {
                martlet_certificate_subject(certificate, $0.baseAddress, room)
            }
        }
    }
}
