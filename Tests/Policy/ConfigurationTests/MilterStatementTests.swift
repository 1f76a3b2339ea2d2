import Testing

@testable import Configuration

private let end = "\nlisten on lo\nmatch reject\n"

@Suite("Milters (smtpd.conf(5), filter)") struct MilterStatementTests {
    private func settings(_ text: String) throws -> MilterSettings {
        let result = try configuration("filter m milter \(text)\(end)")
        guard case .milter(let settings)? = result.filters.first?.kind else { throw NoMilter() }
        return settings
    }

    private struct NoMilter: Error {}

    @Test(arguments: [
        ("inet:localhost:8891", MilterAddress.network(host: "localhost", port: 8891, isV6: false)),
        ("inet:127.0.0.1:8891", .network(host: "127.0.0.1", port: 8891, isV6: false)),
        ("inet:[2001:db8::1]:8891", .network(host: "2001:db8::1", port: 8891, isV6: false)),
        ("inet6:localhost:8891", .network(host: "localhost", port: 8891, isV6: true)),
        ("INET:8891@localhost", .network(host: "localhost", port: 8891, isV6: false)),
        ("inet6:8891@2001:db8::1", .network(host: "2001:db8::1", port: 8891, isV6: true)),
        ("unix:/run/a.sock", .local(path: "/run/a.sock")), ("local:/run/a.sock", .local(path: "/run/a.sock")),
    ])
    func `an address is taken in the words of Sendmail and of Postfix`(_ text: String, _ address: MilterAddress) throws {
        #expect(try settings("\"\(text)\"").address == address)
        #expect(try MilterAddress(parsing: address.description) == address)
    }

    @Test(arguments: [
        ("localhost:8891", "unknown scheme"), ("nonsense", "unknown scheme"), ("inet:localhost", "malformed port"),
        ("inet:localhost:0", "malformed port"), ("inet:localhost:65536", "malformed port"), ("inet::8891", "malformed host"),
        ("inet:a b:8891", "malformed host"), ("unix:run/a", "must be absolute"), ("unix:", "must be absolute"),
        ("unix:/" + String(repeating: "x", count: 107), "107 bytes at most"),
    ])
    func `an address that is none is refused`(_ text: String, _ reason: String) {
        let found = errors("filter m milter \"\(text)\"" + end)
        #expect(found.count == 1)
        #expect(found.first?.contains(reason) == true, "\(found)")
    }

    @Test func `options come in any order, each once`() throws {
        let plain = try settings("\"unix:/a\"")
        #expect(plain.onFailure == .refuse)
        #expect((plain.connectTimeout, plain.timeout, plain.messageTimeout) == (30, 30, 300))
        let full = try settings("\"unix:/a\" message-timeout 10m on-failure accept connect-timeout 5s timeout 1m")
        #expect(full.onFailure == .accept)
        #expect((full.connectTimeout, full.timeout, full.messageTimeout) == (5, 60, 600))
        #expect(errors("filter m milter \"unix:/a\" timeout 1s timeout 1s" + end).first?.contains("already given") == true)
        #expect(errors("filter m milter \"unix:/a\" on-failure reject" + end).count == 1)
        #expect(errors("filter m milter \"unix:/a\" timeout 0s" + end).count == 1)
    }

    @Test func `a milter stands in chains beside other filters, and not on relays`() throws {
        let before = "filter m milter \"unix:/a\"\nfilter b phase connect match rdns bypass\nfilter c chain { b, m }\n"
        #expect(errors(before + "listen on lo filter c\nmatch reject\n").isEmpty)
        for reference in ["m", "c", "{ b, m }"] {
            let found = errors(before + "action r relay filter \(reference)" + end)
            #expect(found.count == 1)
            #expect(found.first?.contains("takes no part in outgoing sessions") == true, "\(found)")
        }
    }

    @Test func `what the processes are told is what was read`() throws {
        for text in ["\"inet6:[::1]:1\" on-failure accept timeout 2s connect-timeout 3s message-timeout 4s", "\"unix:/a\""] {
            let settings = try settings(text)
            var bytes: [UInt8] = []
            settings.encode(into: &bytes)
            var reader = ByteReader(bytes)
            #expect(try MilterSettings(from: &reader) == settings)
        }
    }
}
