import Configuration
import Envelopes
import Filters
import MailSyntax
import SMTPProtocol
import Tables
import Testing

@Suite("Chains of filters (smtpd.conf(5))") struct ChainTests {
    private let question = FilterQuestion(.mailFrom, argument: Array("a@b".utf8))

    private func session() -> FilterSession {
        FilterSession(members: [
            FilterSession.Member(name: "one", author: .builtin), FilterSession.Member(name: "two", author: .program),
            FilterSession.Member(name: "three", author: .program),
        ])
    }

    @Test func `members are asked in order while they proceed`() {
        var session = session()
        #expect(session.ask(question, wantedBy: [0, 2]) == .ask(member: 0))
        #expect(session.decided(.proceed) == .ask(member: 2))
        #expect(session.decided(.proceed) == .verdict(.proceed))
        #expect(session.takeReports() == [.filterResponse(.mailFrom, response: "proceed", parameter: nil)])
        #expect(session.takeReports().isEmpty)
        #expect(session.ask(question, wantedBy: []) == .verdict(.proceed), "nobody to ask")
    }

    @Test(arguments: [
        (FilterDecision.bypass, PhaseVerdict.proceed), (.junk, .proceed(isJunk: true)), (.rewrite([0x61]), .rewrite([0x61])),
        (.reject(Reply(550, nil, "x")), .refuse(Reply(550, nil, "x"))),
        (.disconnect(Reply(421, nil, "x")), .disconnect(Reply(421, nil, "x"))), (.report([0x61], endsChain: true), .proceed),
    ]) func `everything else ends the chain for the phase`(_ decision: FilterDecision, _ verdict: PhaseVerdict) {
        var session = session()
        _ = session.ask(question, wantedBy: [0, 1, 2])
        #expect(session.decided(decision) == .verdict(verdict))
    }

    @Test func `a report of a built-in filter goes on with the next`() {
        var session = session()
        _ = session.ask(question, wantedBy: [0, 1])
        #expect(session.decided(.report(Array("seen".utf8), endsChain: false)) == .ask(member: 1))
        #expect(session.decided(.proceed) == .verdict(.proceed))
        #expect(
            session.takeReports() == [
                .filterReport(.builtin, name: "one", text: Array("seen".utf8)),
                .filterResponse(.mailFrom, response: "report", parameter: Array("seen".utf8)),
            ])
    }

    @Test func `a plan names what programs are for, and leaves out those that are for nothing`() {
        var configuration = Configuration(generation: .match, serverName: "mx.example")
        configuration.filterProcesses = ["a", "b", "c"].map { FilterProcess(name: $0, command: "x") }
        configuration.filters = [
            FilterDefinition(name: "fa", kind: .process("a")), FilterDefinition(name: "fb", kind: .process("b")),
            FilterDefinition(name: "both", kind: .chain(["fa", "fb"])),
        ]
        configuration.submission.filter = .named("both")
        var relay = RelayAction()
        relay.filter = .chain(["fb"])
        configuration.actions["r"] = Action(name: "r", kind: .relay(relay))
        let plans = FilterPlan.plans(in: configuration)
        #expect(plans.map(\.process.name) == ["a", "b"])
        #expect(plans.map(\.subsystems) == [[.incoming], [.incoming, .outgoing]])
    }
}

@Suite("Built-in filters (smtpd.conf(5))") struct BuiltinTests {
    private let question = FilterQuestion(.rcptTo)

    private func test(_ criterion: BuiltinFilter.Criterion, _ change: (inout FilterFacts) -> Void = { _ in }) -> BuiltinFilter.Test {
        BuiltinFilter.test(criterion, question, facts(change))
    }

    private func ask(_ service: TableService, _ key: String) -> BuiltinFilter.Test {
        .ask(TableQuery(table: "t", service: service, operation: .match, key: key))
    }

    @Test func `fcrdns is what was confirmed, and nothing less`() {
        #expect(test(.fcrdns) == .known(true))
        for confirmation in [ForwardConfirmation.unconfirmed, .undecided] {
            #expect(test(.fcrdns) { $0.client.forwardConfirmation = confirmation } == .known(false))
        }
    }

    @Test func `a client without a name has none that matches`() {
        #expect(test(.rdns(nil)) == .known(true))
        for name in ["<unknown>", "", "[192.0.2.1]"] {
            #expect(test(.rdns(nil)) { $0.client.reverseName = name } == .known(false))
            #expect(test(.rdns(TableReference("t"))) { $0.client.reverseName = name } == .known(false))
        }
        #expect(test(.rdns(TableReference("t"))) == ask(.domain, "client.example"))
    }

    @Test func `each condition asks its table with its key`() throws {
        let sender = try MailAddress(LocalPart(validating: Array("a".utf8)), at: Domain(validating: Array("b.example".utf8)))
        #expect(test(.source(TableReference("t"))) == ask(.netaddr, "192.0.2.1"))
        #expect(test(.helo(TableReference("t"))) { $0.helo = "h" } == ask(.domain, "h"))
        #expect(test(.auth(nil)) == .known(false))
        #expect(test(.auth(nil)) { $0.user = "u" } == .known(true))
        #expect(test(.auth(TableReference("t"))) == .known(false))
        #expect(test(.auth(TableReference("t"))) { $0.user = "u" } == ask(.string, "u"))
        #expect(test(.mailFrom(TableReference("t"))) == ask(.mailaddr, "@"))
        #expect(test(.mailFrom(TableReference("t"))) { $0.sender = .mailbox(sender) } == ask(.mailaddr, "a@b.example"))
        #expect(test(.rcptTo(TableReference("t"))) { $0.recipient = sender } == ask(.mailaddr, "a@b.example"))
        #expect(test(.rcptTo(TableReference("t"))) == .known(false))
        #expect(test(.source(TableReference("t", isRegex: true))) == ask(.regex, "192.0.2.1"))
    }

    @Test func `every question a filter can ask is known before`() {
        let filter = BuiltinFilter(
            phase: .rcptTo,
            conditions: [
                Condition(.fcrdns), Condition(.source(TableReference("a")), isNegated: true),
                Condition(.rcptTo(TableReference("b", isRegex: true))), Condition(.auth(TableReference("c"))),
            ], decision: .junk)
        #expect(
            filter.tableQuestions == [
                .init(table: "a", service: .netaddr), .init(table: "b", service: .regex), .init(table: "c", service: .string),
            ])
    }
}
