import Authentication
import MailSyntax
import SeededTesting
import Testing

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

private let greeting = "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tANONYMOUS\tanonymous\nMECH\tLOGIN\tplaintext\nSPID\t7\nCUID\t1\nCOOKIE\tabc\nDONE\n"

private func readyClient() -> DovecotClient {
    var client = DovecotClient()
    client.receive(bytes(greeting))
    #expect(client.next() == .ready(["PLAIN", "LOGIN"]))
    #expect(client.next() == nil)
    return client
}

private func fails(_ text: String, because failure: DovecotClient.Failure) -> Bool {
    var client = readyClient()
    client.receive(bytes(text))
    return client.next() == .failed(failure) && client.next() == nil
}

@Suite("Dovecot's authentication protocol, version 1.2") struct DovecotTests {
    @Test func `both introduce themselves`() {
        #expect(DovecotClient().opening(process: 42) == bytes("VERSION\t1\t2\nCPID\t42\n"))
        _ = readyClient()
    }

    @Test func `a request has its response last`() {
        var client = readyClient()
        let first = client.start(
            .init(mechanism: "PLAIN", initialResponse: bytes("\0a\0b"), client: "192.0.2.1", server: "192.0.2.2"))
        #expect(first.exchange == 1)
        #expect(
            first.bytes == bytes("AUTH\t1\tPLAIN\tservice=smtp\tsecured=tls\trip=192.0.2.1\tlip=192.0.2.2\tresp=AGEAYg==\n"))
        let second = client.start(.init(mechanism: "LOGIN", initialResponse: nil, client: nil, server: nil))
        #expect(second.exchange == 2)
        #expect(second.bytes == bytes("AUTH\t2\tLOGIN\tservice=smtp\tsecured=tls\n"))
        #expect(client.respond(2, bytes("ada")) == bytes("CONT\t2\tYWRh\n"))
        #expect(client.cancel(2) == bytes("CANCEL\t2\n"))
    }

    @Test func `answers in pieces are put together`() {
        var client = readyClient()
        for byte in bytes("CONT\t1\tVXNlcm5hbWU6\nOK\t1\tuser=ada@example.org\tother\n") {
            client.receive([byte])
            switch client.next() {
            case nil: continue
            case .challenge(1, let challenge): #expect(challenge == bytes("Username:"))
            case let event: #expect(event == .accepted(1, user: "ada@example.org"))
            }
        }
        #expect(client.next() == nil)
    }

    @Test func `a refusal names the user and says whether it is for good`() {
        var client = readyClient()
        client.receive(bytes("FAIL\t1\tuser=ada\treason=no\u{1}tway\nFAIL\t2\tuser=ada\ttemp\nFAIL\t3\tcode=temp_fail\nOK\t4\tx=y\n"))
        #expect(client.next() == .refused(1, user: "ada", reason: "no?way", isTemporary: false))
        #expect(client.next() == .refused(2, user: "ada", reason: "temporary failure", isTemporary: true))
        #expect(client.next() == .refused(3, user: nil, reason: "temporary failure", isTemporary: true))
        #expect(client.next() == .refused(4, user: nil, reason: "no user in Dovecot's answer", isTemporary: true))
    }

    @Test func `a response with a tab or a line end cannot begin another word or line`() {
        var client = readyClient()
        let request = client.start(.init(mechanism: "X\tY\nZ\u{1}", initialResponse: nil, client: nil, server: nil))
        #expect(request.bytes == bytes("AUTH\t1\tX\u{1}tY\u{1}nZ\u{1}1\tservice=smtp\tsecured=tls\n"))
    }

    @Test func `what does not fit the protocol ends the connection`() {
        var other = DovecotClient()
        other.receive(bytes("VERSION\t2\t0\n"))
        #expect(other.next() == .failed(.incompatible))
        var early = DovecotClient()
        early.receive(bytes("OK\t1\tuser=root\n"))
        #expect(early.next() == .failed(.malformed))
        #expect(fails("OK\t99999999999\tuser=a\n", because: .malformed))
        #expect(fails("CONT\t1\t%%\n", because: .malformed))
        #expect(fails("CONT\t1\n", because: .malformed))
        #expect(fails("REJECT\n", because: .outOfStep))
        #expect(fails("DONE\n", because: .outOfStep))
        #expect(fails(String(repeating: "x", count: 16_385), because: .lineTooLong))
    }

    @Test func `mutated answers never trap`() {
        var random = SplitMix64(seed: 12)
        let lines = ["CONT\t1\tVXNlcm5hbWU6\n", "OK\t1\tuser=ada\n", "FAIL\t1\tuser=ada\ttemp\n", greeting].map(bytes)
        for _ in 0..<4_000 {
            var client = readyClient()
            client.receive(random.mutated(lines.randomElement(using: &random) ?? []))
            while client.next() != nil {}
        }
    }
}
