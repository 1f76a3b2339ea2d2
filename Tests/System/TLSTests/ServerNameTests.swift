import EventLoop
import LoopTesting
import ServerTesting
import Testing

@testable import TLS

@Suite("The certificate fits the name that the client asks for (RFC 6066 section 3)") struct ServerNameTests {
    @Test(arguments: [
        ("mail.example.org", "CN=mail.example.org"), ("MAIL.example.org", "CN=mail.example.org"),
        ("a.example.net", "CN=other"), ("example.net", "CN=other"), ("a.b.example.net", "CN=mail.example.org"),
        ("unknown.example", "CN=mail.example.org"), ("127.0.0.1", "CN=mail.example.org"), ("net", "CN=mail.example.org"),
        (".example.net", "CN=mail.example.org"),
    ])
    func `each name has its certificate, and other names the first`(_ host: String, _ subject: String) async throws {
        let meeting = try await onLoop {
            let (server, client) = try streams()
            return await meet(
                server, try ServerSide(["mail", "other"]).context, client, try clientContext(.noted), host: host)
        }
        #expect(try #require(meeting.facts, "\(meeting)").client.peerSubject == subject)
    }

    @Test(arguments: [("ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA"), ("ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA")])
    func `two keys for the same names serve clients of either kind`(_ cipher: String, _ prefix: String) async throws {
        for order in [["mail", "curve"], ["curve", "mail"]] {
            let meeting = try await onLoop {
                let (server, client) = try streams()
                return await meet(
                    server, try ServerSide(order).context, client, try clientContext(ciphers: cipher, versions: .v1_2))
            }
            #expect(try #require(meeting.facts, "\(meeting)").client.cipher.hasPrefix(prefix))
        }
    }

    @Test func `names come from the certificate, in lower case`() throws {
        let certificates = try TestCertificates.shared.get()
        #expect(try certificates.chain("mail").names == ["mail.example.org", "smtp.example.org"])
        #expect(try certificates.chain("other").names == ["*.example.net", "example.net"])
        #expect(try certificates.chain("authority").names == ["authority"])
    }
}
