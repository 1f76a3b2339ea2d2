import Configuration
import Envelopes
import Tables
import Testing

@testable import Rules

@Suite("Rules (smtpd.conf(5), match)") struct RuleEvaluationTests {
    private func world(_ rules: Rule...) -> World {
        var world = World()
        world.rules = rules
        world.list("t", "10.0.0.0/8")
        world.list("names", "*.example.net")
        world.list("domains", "example.org", "*.example.com")
        world.list("senders", "@bad.example", "eve")
        world.list("users", "ada", "ada@example.org")
        world.list("everyone", "@")
        world.list("expression", "^bot-[0-9]+@example\\.org$")
        return world
    }

    /// The rule holds for the subject, under both orders of conditions.
    private func holds(_ subject: RuleSubject, _ change: (inout Rule) -> Void) -> Bool {
        var answers: Set<String> = []
        for generation in [Generation.match, .accept] {
            var world = world(
                rule(1, "a") {
                    $0.from = Condition(.any)
                    $0.destination = Condition(.any)
                    change(&$0)
                })
            world.settings.generation = generation
            answers.insert(world.decision(subject))
        }
        #expect(answers.count == 1)
        return answers == ["a"]
    }

    @Test func `the first rule that matches decides`() {
        var world = world(
            rule(1, "one") { $0.destination = Condition(.domain(TableReference("domains"))) },
            rule(2, nil) { $0.destination = Condition(.any) }, rule(3, "three") { $0.destination = Condition(.any) })
        #expect(world.decision(subject(to: "x@example.org")) == "one")
        #expect(world.decision(subject(to: "x@elsewhere.example")) == "reject")
    }

    @Test func `without a rule that matches nothing is decided`() {
        var none = world()
        #expect(none.decision(subject()) == "none")
        #expect(none.evaluate(subject()).trace.summary == "no rule")
        var other = world(rule(1, "a"))
        #expect(other.decision(subject(to: "x@elsewhere.example")) == "none")
        #expect(other.evaluate(subject(to: "x@elsewhere.example")).trace.summary == "no rule matched")
    }

    @Test func `a rule without conditions is from local for local`() {
        var world = world(rule(1, "a"))
        #expect(world.decision(subject(to: "ada@localhost")) == "a")
        #expect(world.decision(subject(from: network("127.0.0.1"), to: "ada@MAIL.example.org")) == "a")
        #expect(world.decision(subject(from: network("::1"), to: "ada@localhost")) == "a")
        #expect(world.decision(subject(from: network("192.0.2.1"), to: "ada@localhost")) == "none")
        #expect(world.decision(subject(to: "ada@example.net")) == "none")
    }

    @Test func `a literal of an address of this host is local`() {
        var world = world(rule(1, "a"))
        world.list("<localnames>", "localhost", "192.0.2.7", "[2001:db8::7]")
        #expect(world.decision(subject(to: "ada@[192.0.2.7]")) == "a")
        #expect(world.decision(subject(to: "ada@[IPv6:2001:DB8:0::7]")) == "a")
        #expect(world.decision(subject(to: "ada@[192.0.2.8]")) == "none")
    }

    @Test func `an authenticated session is local in the older language only`() {
        var facts = subject(from: network("192.0.2.1"))
        facts.isAuthenticated = true
        facts.user = "ada"
        #expect(!holds(facts) { $0.from = Condition(.local(countsAuthenticated: false)) })
        #expect(holds(facts) { $0.from = Condition(.local(countsAuthenticated: true)) })
        #expect(!holds(facts) { $0.from = Condition(.local(countsAuthenticated: true), isNegated: true) })
    }

    @Test func `what this server made is local`() {
        var facts = subject(from: network("192.0.2.1"))
        facts.isInternal = true
        #expect(holds(facts) { $0.from = Condition(.local(countsAuthenticated: false)) })
        #expect(!holds(facts) { $0.from = Condition(.socket) })
    }

    @Test func `from socket is the socket only`() {
        #expect(holds(subject()) { $0.from = Condition(.socket) })
        #expect(!holds(subject(from: network("127.0.0.1"))) { $0.from = Condition(.socket) })
        #expect(holds(subject(from: network("127.0.0.1"))) { $0.from = Condition(.socket, isNegated: true) })
    }

    @Test func `from src compares addresses with networks`() {
        let table = Rule.Source.addresses(TableReference("t"), authenticatedIsLocal: false)
        #expect(holds(subject(from: network("10.1.2.3"))) { $0.from = Condition(table) })
        #expect(!holds(subject(from: network("11.1.2.3"))) { $0.from = Condition(table) })
        #expect(holds(subject(from: network("11.1.2.3"))) { $0.from = Condition(table, isNegated: true) })
        #expect(!holds(subject()) { $0.from = Condition(table) })
    }

    @Test func `in the older language from source sees authenticated clients as the word local`() {
        var facts = subject(from: network("10.1.2.3"))
        facts.isAuthenticated = true
        #expect(!holds(facts) { $0.from = Condition(.addresses(TableReference("t"), authenticatedIsLocal: true)) })
        #expect(holds(facts) { $0.from = Condition(.addresses(TableReference("t"), authenticatedIsLocal: false)) })
    }

    @Test func `a client without a name matches no name, negated or not`() {
        var facts = subject(from: network("192.0.2.1"))
        let table = Rule.Source.reverseName(TableReference("names"))
        #expect(!holds(facts) { $0.from = Condition(table) })
        #expect(!holds(facts) { $0.from = Condition(table, isNegated: true) })
        #expect(holds(facts) { $0.from = Condition(.reverseName(nil), isNegated: true) })
        facts.reverseName = "a.b.example.net"
        #expect(holds(facts) { $0.from = Condition(table) })
        #expect(!holds(facts) { $0.from = Condition(table, isNegated: true) })
        #expect(holds(facts) { $0.from = Condition(.reverseName(nil)) })
    }

    @Test func `domains match with wildcards`() {
        let domains = Rule.Destination.domain(TableReference("domains"))
        #expect(holds(subject(to: "x@EXAMPLE.org")) { $0.destination = Condition(domains) })
        #expect(holds(subject(to: "x@a.b.example.com")) { $0.destination = Condition(domains) })
        #expect(!holds(subject(to: "x@example.com")) { $0.destination = Condition(domains) })
        #expect(holds(subject(to: "x@example.com")) { $0.destination = Condition(domains, isNegated: true) })
    }

    @Test func `tag, helo and tls`() {
        var facts = subject()
        facts.tag = "users"
        #expect(!holds(facts) { $0.tag = Condition(TableReference("domains")) })
        #expect(holds(facts) { $0.tag = Condition(TableReference("domains"), isNegated: true) })
        facts.tag = "example.org"
        #expect(holds(facts) { $0.tag = Condition(TableReference("domains")) })
        #expect(holds(facts) { $0.helo = Condition(TableReference("names")) })
        #expect(!holds(facts) { $0.tls = Condition(.used) })
        #expect(holds(facts) { $0.tls = Condition(.used, isNegated: true) })
        facts.usesTLS = true
        #expect(holds(facts) { $0.tls = Condition(.used) })
    }

    @Test func `auth asks for a session and then for its user`() {
        var facts = subject()
        let users = Condition(Rule.Authentication.user(TableReference("users")))
        #expect(!holds(facts) { $0.auth = Condition(.anyone) })
        #expect(!holds(facts) { $0.auth = users })
        #expect(holds(facts) { $0.auth = Condition(.user(TableReference("users")), isNegated: true) })
        facts.isAuthenticated = true
        facts.user = "bob"
        #expect(holds(facts) { $0.auth = Condition(.anyone) })
        #expect(!holds(facts) { $0.auth = users })
        facts.user = "ADA"
        #expect(holds(facts) { $0.auth = users })
        facts.user = "ada+laptop@example.org"
        #expect(holds(facts) { $0.auth = users })
    }

    @Test func `senders match as mail addresses and the null sender only everything`() {
        #expect(holds(subject(sender: "x@bad.example")) { $0.sender = Condition(TableReference("senders")) })
        #expect(holds(subject(sender: "eve+x@good.example")) { $0.sender = Condition(TableReference("senders")) })
        #expect(!holds(subject(sender: "")) { $0.sender = Condition(TableReference("senders")) })
        #expect(holds(subject(sender: "")) { $0.sender = Condition(TableReference("everyone")) })
    }

    @Test func `recipients match by expression, on the address of RCPT`() {
        let expression = Condition(TableReference("expression", isRegex: true))
        var facts = subject(to: "BOT-17@example.org")
        facts.destination = mail("other@example.net")
        #expect(holds(facts) { $0.recipient = expression })
        #expect(!holds(subject(to: "bot-x@example.org")) { $0.recipient = expression })
    }

    @Test func `a table that cannot say fails the evaluation, negated or not`() {
        for isNegated in [false, true] {
            var world = world(
                rule(7, "a") {
                    $0.destination = Condition(.any)
                    $0.sender = Condition(TableReference("senders"), isNegated: isNegated)
                }, rule(8, "b") { $0.destination = Condition(.any) })
            world.broken = ["senders"]
            #expect(world.decision(subject()) == "failed")
            #expect(world.evaluate(subject()).trace.summary == "rule smtpd.conf:7: mail-from: table senders: broken")
        }
    }

    @Test func `a table is not asked when an earlier condition has failed`() {
        var world = world(
            rule(7, "a") { $0.sender = Condition(TableReference("senders")) })
        world.broken = ["senders"]
        #expect(world.decision(subject(to: "x@elsewhere.example")) == "none")
        // The older language asks about the sender before the destination.
        world.settings.generation = .accept
        #expect(world.decision(subject(to: "x@elsewhere.example")) == "failed")
    }

    @Test func `no question is asked twice`() {
        var world = world(
            rule(1, "a") { $0.sender = Condition(TableReference("senders")) },
            rule(2, "b") { $0.sender = Condition(TableReference("senders"), isNegated: true) })
        #expect(world.decision(subject(to: "x@localhost")) == "b")
        #expect(Set(world.asked).count == world.asked.count)
    }

    @Test func `the trace names every rule tried and the condition that failed`() {
        var world = world(
            rule(1, "a") { $0.from = Condition(.socket, isNegated: true) },
            rule(2, "b") { $0.destination = Condition(.domain(TableReference("domains"))) }, rule(3, "c"))
        let trace = world.evaluate(subject(to: "x@localhost")).trace
        #expect(trace.entries.map(\.result) == [.failed(.source), .failed(.destination), .matched])
        #expect(trace.entries.map(\.location.line) == [1, 2, 3])
        #expect(trace.summary == "rule smtpd.conf:3: matched")
    }

    @Test func `a transaction's unknown reverse name is none`() {
        var transaction = Transaction(
            sender: .null, source: .local, reverseName: "<unknown>", helo: "h", serverName: "s")
        #expect(RuleSubject(transaction, recipient: mail("a@b")).reverseName == nil)
        transaction.reverseName = "host.example"
        #expect(RuleSubject(transaction, recipient: mail("a@b")).reverseName == "host.example")
    }
}
