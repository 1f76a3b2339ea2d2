import COpenSSL
import Glibc
import Platform

/// Why a connection did not become a secured one. It is useful for nothing but closing.
package enum TLSFailure: Error, Hashable, Sendable {
    /// The deadline has passed.
    case timedOut
    /// The peer closed the connection in the middle.
    case peerLeft
    /// It was closed on this side meanwhile.
    case closed
    /// The peer's certificate does not verify, or it has none; in the library's words.
    case unverified(String)
    /// The private key's keeper gave no signature.
    case noSignature
    /// The peers do not agree, or one says nonsense; in the library's words.
    case handshake(String)
    case system(SystemError)

    /// In words for a log line.
    package var text: String {
        switch self {
        case .timedOut: "timeout"
        case .peerLeft: "connection closed by the peer"
        case .closed: "connection closed"
        case .unverified(let reason): "certificate not verified: \(reason)"
        case .noSignature: "no signature from the private key"
        case .handshake(let reason): reason
        case .system(let error): error.reason
        }
    }
}

extension TLSFailure {
    /// Why the last step of a handshake failed.
    ///
    /// - Parameter code: The system's error number right after that step.
    static func ofHandshake(_ connection: OpaquePointer, code: CInt) -> TLSFailure {
        let error = ERR_peek_last_error()
        if error == 0 {
            ERR_clear_error()
            return code == 0 || code == ECONNRESET || code == EPIPE ? .peerLeft : .system(SystemError("handshake", code: code))
        }
        let reason = ERR_GET_REASON(error)
        if reason == SSL_R_CERTIFICATE_VERIFY_FAILED {
            ERR_clear_error()
            return .unverified(TLSFacts.problem(SSL_get_verify_result(connection)))
        }
        if reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE {
            return .unverified(TLSLibrary.takeReason())
        }
        if reason == SSL_R_UNEXPECTED_EOF_WHILE_READING {
            ERR_clear_error()
            return .peerLeft
        }
        return .handshake(TLSLibrary.takeReason())
    }
}

/// Why a context, a certificate or a key cannot be used: for the operator, in terms of the configuration.
package enum TLSSetupFailure: Error, Hashable, Sendable {
    /// No certificate where one has to be.
    case noCertificate
    /// Not PEM, or not what it says; in the library's words.
    case malformedCertificate(String)
    /// A key that is neither RSA nor on an elliptic curve with ECDSA: others cannot be kept in a process of their own.
    case unsupportedKey
    /// The library does not let the key or certificate be used, such as one that is too short.
    case refused(String)
    /// The list of ciphers leaves none, or none that this server would use.
    case noCiphers(String)
    /// A word of the list of protocols that is none.
    case unknownProtocol(String)
    /// A protocol older than TLS 1.2.
    case oldProtocol(String)
    /// The list of protocols leaves none.
    case noProtocols(String)
    case malformedParameters
    case outOfMemory

    /// In words, for the end of a message.
    package var text: String {
        switch self {
        case .noCertificate: "it holds no certificate in PEM form"
        case .malformedCertificate(let reason): "a certificate cannot be read: \(reason)"
        case .unsupportedKey: "the key is neither RSA nor ECDSA"
        case .refused(let reason): reason
        case .noCiphers(let list): "no usable cipher in \"\(list)\""
        case .unknownProtocol(let word): "no such protocol: \(word)"
        case .oldProtocol(let word): "\(word) is too old, TLS begins with tlsv1.2 here"
        case .noProtocols(let list): "no protocol in \"\(list)\""
        case .malformedParameters: "it holds no Diffie-Hellman parameters in PEM form"
        case .outOfMemory: "out of memory"
        }
    }
}
