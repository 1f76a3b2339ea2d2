import Configuration
import Envelopes
import MailSyntax
import Tables
import Testing

@testable import Rules

@Suite("What smtpctl explain tells (smtpctl(8))") struct ExplanationTests {
    /// Local mail with aliases for one domain, mail of this machine to anywhere else.
    private static func world() -> World {
        var world = World()
        world.map("aliases", ["postmaster": "ada, x@elsewhere.example"])
        world.list("bad", "@bad.example")
        world.action(local("local", .maildir(nil, junk: false)) { $0.aliases = "aliases" })
        world.action(Action(name: "out", kind: .relay(RelayAction())))
        world.rules = [
            rule(3, nil) {
                $0.from = Condition(.any)
                $0.sender = Condition(TableReference("bad"))
                $0.destination = Condition(.any)
            },
            rule(4, "local") { $0.from = Condition(.any) },
            rule(5, "out") { $0.destination = Condition(.any) },
        ]
        return world
    }

    /// The explanation that a driver would make.
    private static func explain(_ recipient: String, from facts: RuleSubject = subject()) -> Explanation {
        var world = world()
        let result = world.expand(recipient, from: facts)
        var answers: [TableQuery: TableAnswer] = [:]
        for query in world.asked { answers[query] = world.tables[query.table]?.answer(query) }
        return Explanation(
            of: result, recipient: mail(recipient), subject: facts, rules: world.rules, generation: .match, answers: answers)
    }

    @Test func `each rule says why it matched or not, and each step where it led`() {
        #expect(
            Self.explain("postmaster@mail.example.org").tree == """
                recipient: <postmaster@mail.example.org>
                  address: <postmaster@mail.example.org>
                    rule: smtpd.conf:3: does not match: mail-from: <bad> does not have `ada@example.org`
                    rule: smtpd.conf:4: matches: action local
                      because: for: <localnames> has `mail.example.org`
                    alias: postmaster in <aliases>: ada, x@elsewhere.example
                    delivery: to user ada by action local
                  address: <x@elsewhere.example>
                    rule: smtpd.conf:3: does not match: mail-from: <bad> does not have `ada@example.org`
                    rule: smtpd.conf:4: does not match: for: <localnames> does not have `elsewhere.example`
                    rule: smtpd.conf:5: matches: action out
                      because: from holds
                    delivery: to <x@elsewhere.example> by action out, at another server
                  result: 2 deliveries

                """)
    }

    @Test func `a refusal ends with its reply`() {
        let tree = Self.explain("x@elsewhere.example", from: subject(from: network("192.0.2.1"))).tree
        #expect(tree.contains("rule: smtpd.conf:5: does not match: from: <localhost> does not have `192.0.2.1`\n"))
        #expect(tree.contains("result: refused: 550 5.7.1 Invalid recipient: <x@elsewhere.example>\n"))
    }

    @Test func `JSON nests what the tree indents, and quotes what it must`() {
        var explanation = Explanation()
        explanation.add("a", "say \"x\" \\ \u{1}y", depth: 0)
        explanation.add("b", "", depth: 1)
        explanation.add("c", "", depth: 2)
        explanation.add("d", "", depth: 1)
        explanation.add("e", "ä", depth: 0)
        #expect(
            explanation.json == #"{"name":"a","text":"say \"x\" \\  y","children":["#
                + #"{"name":"b","text":"","children":[{"name":"c","text":""}]},{"name":"d","text":""}]}"# + "\n"
                + #"{"name":"e","text":"ä"}"# + "\n")
        #expect(Explanation().json == "")
    }

    @Test func `a long story is cut, and says so`() throws {
        var explanation = Explanation()
        for number in 0..<1_000 { explanation.add("n", String(repeating: "x", count: number), depth: number) }
        #expect(explanation.items.count == Explanation.maximumItems + 1)
        #expect(explanation.items.last?.text == "600 lines more")
        #expect(explanation.items.allSatisfy { $0.text.utf8.count <= Explanation.maximumText })
        #expect(Explanation(items: explanation.items) == explanation || Explanation(items: explanation.items) != nil)
        #expect(Explanation(items: explanation.items + explanation.items) == nil)
        #expect(Explanation(items: [.init(depth: Explanation.maximumDepth + 1, name: "", text: "")]) == nil)
    }

    @Test(arguments: [
        ("socket", "socket"), ("127.0.0.1", "first"), ("127.0.0.1:465", "second"), ("lo", "second"), ("[2001:db8::1]:25", "six"),
        ("2001:db8::1", "six"), ("192.0.2.1", nil), ("127.0.0.1:26", nil), ("socket:25", nil), ("", nil),
    ] as [(String, String?)])
    func `a listener is found by name, address and port`(_ name: String, _ tag: String?) {
        func listener(_ name: String, _ tag: String, port: UInt16 = 25, tls: Listener.TLSMode = .none) -> Listener {
            var listener = Listener(endpoint: name == "socket" ? .socket : .network(name), hostname: "mx")
            (listener.tag, listener.port, listener.tls) = (tag, port, tls)
            if name == "lo" { listener.addresses = [.v4(0x7F00_0001)] }
            return listener
        }
        let facts = ListenerFacts(
            named: name,
            listeners: [
                listener("127.0.0.1", "first"), listener("lo", "second", port: 465, tls: .implicit), listener("2001:db8::1", "six"),
            ],
            submission: listener("socket", "socket"), filters: [])
        #expect(facts?.tag == tag)
        #expect(facts?.usesTLS ?? false == (tag == "second"))
    }

    @Test func `what the words say of a session wins over its listener`() throws {
        let facts = ListenerFacts(tag: "t", usesTLS: true, explanation: Explanation())
        var question = try ExplanationQuestion(words: ["bob@example.org", "listener=lo"])
        question.take(facts)
        #expect(question.transaction.tag == "t" && question.transaction.usesTLS)
        question = try ExplanationQuestion(words: ["bob@example.org", "listener=lo", "tag=mine", "tls=no"])
        question.take(facts)
        #expect(question.transaction.tag == "mine" && !question.transaction.usesTLS)
    }

    @Test func `the DNS is asked unless the words say otherwise`() throws {
        #expect(try ExplanationQuestion(words: ["bob@example.org"]).asksDNS)
        #expect(try ExplanationQuestion(words: ["bob@example.org", "dns=yes"]).asksDNS)
        #expect(try !ExplanationQuestion(words: ["bob@example.org", "dns=no"]).asksDNS)
    }

    @Test func `servers are listed with the hosts to ask the DNS about, and none means that mail waits`() {
        var explanation = Explanation()
        let hosts = explanation.add(
            servers: ["smtp://a.example", "smtp+tls://x@a.example:587", "smtps://[2001:db8::1]", "nonsense://b.example"], of: "hubs")
        #expect(hosts.map(\.text) == ["a.example"])
        #expect(explanation.add(servers: [], of: "hubs", for: mail("x@far.example").domain).isEmpty)
        explanation.add(failure: "asleep", of: "hubs")
        #expect(
            explanation.tree == """
                  servers: smtp://a.example, smtp+tls://x@a.example:587, smtps://[2001:db8::1], nonsense://b.example
                  servers: <hubs> has none for far.example: the mail would wait
                  servers: <hubs> cannot say, the mail would wait: asleep

                """)
    }

    @Test func `facts are taken by name`() throws {
        let question = try ExplanationQuestion(
            words: ["<bob@example.org>", "sender=ada@example.com", "client=192.0.2.1", "helo=h", "user=u", "tag=t", "tls=yes"])
        #expect(question.target == .address(mail("bob@example.org")))
        #expect(question.transaction.sender == .mailbox(mail("ada@example.com")))
        #expect(question.transaction.source == network("192.0.2.1"))
        #expect(question.transaction.user == "u" && question.transaction.isAuthenticated)
        #expect(question.transaction.tag == "t" && question.transaction.helo == "h" && question.transaction.usesTLS)
        #expect(RuleSubject(question.transaction, recipient: mail("bob@example.org")).reverseName == nil)
        let envelope = try ExplanationQuestion(words: ["5f3a9c1e00d1b2c4"])
        #expect(envelope.target == .envelope(EnvelopeID(rawValue: 0x5F3A_9C1E_00D1_B2C4)!))
    }

    @Test(arguments: [
        [], ["bob"], ["bob@example.org", "tls"], ["bob@example.org", "tls=perhaps"], ["bob@example.org", "dns=perhaps"], ["bob@example.org", "client=host"],
        ["bob@example.org", "colour=red"], ["5f3a9c1e00d1b2c4", "tag=x"], ["bob@example.org", "sender=x"],
        Array(repeating: "bob@example.org", count: 17), [String(repeating: "x", count: 2_000) + "@example.org"],
    ])
    func `what is no question is refused in words`(_ words: [String]) {
        #expect(throws: ExplanationQuestion.Problem.self) { try ExplanationQuestion(words: words) }
    }
}
