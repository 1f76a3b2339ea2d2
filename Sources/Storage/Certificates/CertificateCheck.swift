import Configuration
import Platform
import TLS

/// Looks at everything that `pki` and `ca` name in one go: for whoever checks a configuration and then ends.
package enum CertificateCheck {
    /// What cannot be used, and what should be known, one line each.
    package static func run(_ configuration: Configuration) -> (problems: [String], warnings: [String]) {
        var reading = CertificateReading(configuration)
        for (name, pair) in configuration.keyPairs.sorted(by: { $0.key < $1.key }) {
            guard let path = pair.key, let publicKey = reading.publicKeys[name] else { continue }
            do throws(CredentialFailure) {
                try check(try reading.openKey(path), publicKey, pair.certificate ?? "")
            } catch {
                reading.note(error, of: name)
            }
        }
        reading.checkContexts()
        return (reading.problems, reading.warnings)
    }

    private static func check(
        _ file: borrowing CredentialFile, _ publicKey: [UInt8], _ certificate: String
    ) throws(CredentialFailure) {
        let pem = try file.secret()
        let key: PrivateKey
        do throws(PrivateKeyFailure) {
            key = try PrivateKey(pem: pem)
        } catch {
            // The start will ask for the passphrase.
            if case .encrypted = error { return }
            throw CredentialFailure(file.path, .key(error))
        }
        guard key.publicKey == publicKey else { throw CredentialFailure(file.path, .stranger(certificate: certificate)) }
    }
}
