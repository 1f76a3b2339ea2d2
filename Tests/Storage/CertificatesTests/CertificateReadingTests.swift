import Configuration
import Glibc
import Platform
import ServerTesting
import Testing

@testable import Certificates

@Suite("What of keys and certificates cannot be used is told with its place") struct CertificateReadingTests {
    private let certificates: OwnCertificates

    init() throws { certificates = try OwnCertificates() }

    /// A configuration with one listener on which TLS is offered.
    private func configuration(
        certificate: String = "mail.pem", key: String = "mail.key", _ change: (inout Listener) -> Void = { _ in }
    ) -> Configuration {
        var configuration = Configuration(generation: .match, serverName: "mx.example.org")
        var pair = KeyPair(name: "mail")
        pair.certificate = certificates.path(certificate)
        pair.key = certificates.path(key)
        configuration.keyPairs["mail"] = pair
        configuration.places.keyPairs["mail"] = SourceLocation(file: "smtpd.conf", line: 3, column: 1)
        configuration.authorities["ca"] = CertificateAuthority(name: "ca", certificate: certificates.path("authority.pem"))
        var listener = Listener(endpoint: .network("lo"), hostname: "mx.example.org")
        listener.tls = .offered
        listener.keyPairs = ["mail"]
        listener.location = SourceLocation(file: "smtpd.conf", line: 7, column: 1)
        change(&listener)
        configuration.listeners = [listener]
        return configuration
    }

    @Test func `a good one is without fault`() {
        let (problems, warnings) = CertificateCheck.run(configuration { $0.authority = "ca" })
        #expect(problems == [] && warnings == [])
    }

    @Test func `a key of another certificate`() {
        #expect(CertificateCheck.run(configuration(key: "curve.key")).problems == [
            "smtpd.conf:3:1: pki mail: \(certificates.path("curve.key")): it is not the key of the certificate in "
                + certificates.path("mail.pem")
        ])
    }

    @Test func `a file that holds no certificate, and one that holds no key`() {
        #expect(CertificateCheck.run(configuration(certificate: "mail.key")).problems.first?.contains("owner") == false)
        let problems = CertificateCheck.run(configuration(certificate: "mail.extensions")).problems
        #expect(problems == ["smtpd.conf:3:1: pki mail: \(certificates.path("mail.extensions")): it holds no certificate in PEM form"])
    }

    @Test(arguments: [
        ("tlsv1.1", nil, "protocols: tlsv1.1 is too old, TLS begins with tlsv1.2 here"),
        ("tlsv9", nil, "protocols: no such protocol: tlsv9"),
        (nil, "RC4", "listener: no usable cipher in \"RC4\""),
    ] as [(String?, String?, String)])
    func `a list that nothing can be agreed on with`(_ protocols: String?, _ ciphers: String?, _ text: String) {
        let checked = CertificateCheck.run(
            configuration {
                $0.protocols = protocols
                $0.ciphers = ciphers
            })
        #expect(checked.problems == ["smtpd.conf:7:1: \(text)"])
    }

    @Test func `the list of all counts where a listener has none`() {
        var configuration = configuration()
        configuration.session.ciphers = "RC4"
        #expect(CertificateCheck.run(configuration).problems == ["smtpd.conf:7:1: listener: no usable cipher in \"RC4\""])
    }

    @Test func `an expired certificate is told of and used`() {
        let checked = CertificateCheck.run(configuration(certificate: "expired.pem", key: "expired.key"))
        #expect(checked.problems == [])
        #expect(checked.warnings == [
            "smtpd.conf:3:1: warning: pki mail: \(certificates.path("expired.pem")): the certificate has expired"
        ])
    }

    @Test func `the stamps are those of every file that counts`() throws {
        var reading = CertificateReading(configuration { $0.authority = "ca" })
        let key = try reading.openKey(certificates.path("mail.key"))
        reading.enter(key: 7, of: "mail", at: key.path, key.stamp)
        #expect(Set(reading.stamps.keys) == Set(["mail.pem", "mail.key", "authority.pem"].map(certificates.path)))
        #expect(reading.set.identities["mail"]?.key == 7)
    }

    @Test(arguments: [
        (Generation.match, KeyPair.EphemeralDH.none, false), (.match, .auto, true), (.match, .legacy, true), (.accept, .none, true),
    ])
    func `finite fields are off in 7.x unless asked for, and always on in 5.4`(
        _ generation: Generation, _ mode: KeyPair.EphemeralDH, _ isOn: Bool
    ) {
        var configuration = configuration { $0.ciphers = "DHE-RSA-AES256-GCM-SHA384" }
        configuration.generation = generation
        configuration.keyPairs["mail"]?.ephemeralDH = mode
        // A list of such ciphers alone leaves nothing without them.
        #expect(CertificateCheck.run(configuration).problems.isEmpty == isOn)
    }
}

/// Copies of the certificates of the tests that belong to whoever runs them.
private struct OwnCertificates {
    private let scratch: Scratch

    init() throws {
        let made = try TestCertificates.shared.get()
        scratch = try Scratch()
        for name in try Files.list(made.scratch.path) {
            let text = String(decoding: try Files.read(made.path(name)), as: UTF8.self)
            try scratch.write(name, text, mode: name.hasSuffix(".key") ? 0o600 : 0o644)
            _ = try checked("chown") { chown(path(name), geteuid(), getegid()) }
        }
    }

    func path(_ name: String) -> String { scratch.path + "/" + name }
}
