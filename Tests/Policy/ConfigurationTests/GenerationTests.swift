import Testing

@testable import Configuration

@Suite("Which language a file is in") struct GenerationTests {
    @Test func `accept and reject make 5.4, action and match 7.x`() throws {
        #expect(try configuration("accept for any relay").generation == .accept)
        #expect(try configuration("reject from any for any").generation == .accept)
        #expect(try configuration("action a relay\nmatch for any action a").generation == .match)
        #expect(try configuration("match reject").generation == .match)
    }

    @Test func `a macro can hold the rule's first word`() throws {
        #expect(try configuration("yes = \"accept\"\n$yes for any relay\n").generation == .accept)
    }

    @Test func `rules of both kinds are refused with both places`() {
        #expect(
            errors("action a mbox\n\naccept for any relay\nmatch for any action a\n") == [
                "smtpd.conf:3:1: syntax error: `accept` here and `action` at smtpd.conf:1:1 belong to two languages "
                    + "(accept and reject to 5.4, action and match to 7.x), expected rules of one of them"
            ])
        #expect(errors("reject for any\nmatch reject\n").first?.hasPrefix("smtpd.conf:2:1: ") == true)
    }

    @Test func `other statements of the other language are told with their new name`() {
        #expect(
            errors("expire 4d\nmatch reject\n") == [
                "smtpd.conf:1:1: syntax error at `expire`, expected `queue ttl` (`expire` is 5.4 language)"
            ])
    }

    @Test(arguments: ["", "# nothing\n", "listen on lo\n", "expire 4d\n", "queue ttl 4d\n"])
    func `a file without rules is refused`(_ text: String) {
        #expect(errors(text) == ["no rules, nothing to do"])
    }

    @Test func `all mistakes are told, each line once`() {
        let found = errors("foo\nmatch reject\nqueue bar\nlisten on nowhere\nmatch reject\n")
        #expect(found.map { $0.split(separator: ":")[1] } == ["1", "3", "4"])
    }

    @Test func `a file that cannot be read is refused`() {
        guard case .failed(let diagnostics) = ConfigurationLoader.load(file: "/x", macros: [], environment: FakeMachine()) else {
            Issue.record("it loaded")
            return
        }
        #expect(diagnostics.map(\.description) == ["cannot read /x: no such file"])
    }

    @Test func `what a diagnostic quotes cannot break its line`() {
        #expect(errors("listen on \"a\u{07}b\"\nmatch reject\n").first?.contains("a?b") == true)
    }
}

@Suite("The name of this host") struct ServerNameTests {
    private func name(_ machine: FakeMachine) throws -> String { try configuration("match reject", on: machine).serverName }

    @Test func `comes from the mailname, the host name, or the resolver`() throws {
        var machine = FakeMachine()
        #expect(try name(machine) == "mx.example.org")
        machine.hostName = "mx"
        #expect(try name(machine) == "mx")
        machine.canonicalNames = ["mx": "mx.example.net"]
        #expect(try name(machine) == "mx.example.net")
        machine.mailName = "example.com"
        #expect(try name(machine) == "example.com")
    }

    @Test func `a host without a name is refused`() {
        var machine = FakeMachine()
        machine.hostName = ""
        #expect(errors("match reject", on: machine).count == 1)
    }
}
