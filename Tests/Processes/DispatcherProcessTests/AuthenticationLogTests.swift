import Glibc
import Testing

@testable import DispatcherProcess

@Suite("The log of failed authentications and the filter of fail2ban") struct AuthenticationLogTests {
    /// The filter's expression with what fail2ban puts into it: the prefix of common.conf and an address.
    private func filter() throws -> Regex<AnyRegexOutput> {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/")
        let file = try #require(fopen("\(root)/packaging/fail2ban/filter.d/martlet.conf", "r"))
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = getc(file), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        let line = try #require(lines.first { $0.hasPrefix("failregex = ") })
        let expression = String(line.dropFirst("failregex = ".count))
            .replacing("%(__prefix_line)s", with: #"(?:\S+ smtpd\[\d+\]: )?"#)
            .replacing("<HOST>", with: #"([0-9a-fA-F.:]+)"#)
        return try Regex(expression)
    }

    /// The address that fail2ban would ban for a line.
    private func banned(_ line: String) throws -> String? {
        guard let match = try filter().firstMatch(in: "mx smtpd[71]: 0123456789abcdef \(line)") else { return nil }
        return match.output[1].substring.map(String.init)
    }

    @Test(arguments: [("192.0.2.1", "192.0.2.1"), ("[2001:db8::1]", "2001:db8::1")])
    func `a failure bans its address`(_ address: String, _ expected: String) throws {
        for result in [AuthenticationResult.failed, .blocked] {
            let line = result.line(address: address, mechanism: "PLAIN", user: "ada", reason: "wrong credentials")
            #expect(try banned(line) == expected)
        }
        #expect(try banned(AuthenticationResult.failed.line(address: address, mechanism: "LOGIN", user: nil, reason: nil)) == expected)
    }

    @Test func `successes and errors ban nobody`() throws {
        for result in [AuthenticationResult.ok, .error] {
            #expect(try banned(result.line(address: "192.0.2.1", mechanism: "PLAIN", user: "ada", reason: nil)) == nil)
        }
    }

    @Test(arguments: [
        "x address=198.51.100.7", "x smtp authentication result=failed address=198.51.100.7 mechanism=PLAIN",
        "\n0123456789abcdef smtp authentication result=failed address=198.51.100.7 mechanism=", "\" address=198.51.100.7",
    ])
    func `no name of a user bans somebody else`(_ user: String) throws {
        let failed = AuthenticationResult.failed.line(address: "192.0.2.1", mechanism: "PLAIN", user: user, reason: user)
        #expect(try banned(failed) == "192.0.2.1")
        #expect(!failed.contains("\n"))
        let ok = AuthenticationResult.ok.line(address: "192.0.2.1", mechanism: "PLAIN", user: user, reason: nil)
        #expect(try banned(ok) == nil)
    }
}
