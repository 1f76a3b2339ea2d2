import Glibc
import Platform
import ServerTesting

@testable import TLS

extension TestCertificates {
    func pem(_ name: String) throws -> [UInt8] { try Files.read(path("\(name).pem")) }

    func chain(_ name: String) throws -> CertificateChain { try CertificateChain(pem: try pem(name)) }

    func trusted(_ name: String = "authority") throws -> TrustedCertificates { try TrustedCertificates(pem: try pem(name)) }

    func key(_ name: String) throws -> PrivateKey {
        try PrivateKey(pem: try SecretBytes(contentsOf: try Files.open(path("\(name).key"), O_RDONLY), limit: 65_536))
    }
}
