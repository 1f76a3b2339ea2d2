/// What secures the channel between a client and us, as far as a session tells of it.
package struct ChannelSecurity: Hashable, Sendable {
    /// Such as `TLSv1.3`.
    package var version: String
    /// Such as `TLS_AES_256_GCM_SHA384`.
    package var cipher: String
    /// Secret bits of the cipher.
    package var bits: Int
    /// The client has shown a certificate that verifies.
    package var isClientVerified: Bool
    /// Whom the client's certificate names; nil without one.
    package var clientSubject: String?

    package init(version: String, cipher: String, bits: Int, isClientVerified: Bool, clientSubject: String? = nil) {
        self.version = version
        self.cipher = cipher
        self.bits = bits
        self.isClientVerified = isClientVerified
        self.clientSubject = clientSubject
    }

    /// As OpenSMTPD writes it in trace headers: `TLSv1.3:TLS_AES_256_GCM_SHA384:256:NO`.
    package var text: String { "\(version):\(cipher):\(bits):\(isClientVerified ? "YES" : "NO")" }
}
