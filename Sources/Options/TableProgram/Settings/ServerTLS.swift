/// How a connection to a database is secured: settings `tls`, `tls_ca`, `tls_cert` and `tls_key`.
package struct ServerTLS: Hashable, Sendable {
    package enum Mode: String, Sendable, CaseIterable {
        /// No TLS.
        case off
        /// TLS or nothing, whoever the server is.
        case require
        /// TLS with a certificate that is good for the server's name.
        case verify
    }

    package let mode: Mode
    /// A file of authorities; nil for those of the system.
    package let authorities: String?
    /// Our certificate, for servers that want one, and its key.
    package let certificate: String?
    package let key: String?

    /// Takes all four from a file.
    ///
    /// - Parameter standard: What holds when `tls` is missing.
    /// - Throws: For files that would not be used: an operator who names an authority wants it to matter.
    package init(taking settings: inout ProgramSettings, standard: Mode = .off) throws(ProgramSettings.Problem) {
        let word = try settings.takeWord("tls", of: Mode.allCases.map(\.rawValue))
        authorities = settings.take("tls_ca")
        certificate = settings.take("tls_cert")
        key = settings.take("tls_key")
        mode = word.flatMap(Mode.init) ?? (authorities == nil ? standard : .verify)
        if mode != .verify, authorities != nil { throw .init("tls_ca is of no use without tls verify") }
        if mode == .off, certificate != nil { throw .init("tls_cert is of no use without tls") }
        if (certificate == nil) != (key == nil) { throw .init("tls_cert and tls_key need each other") }
    }
}
