import Testing

@testable import Configuration

private func rule(_ text: String) throws -> Rule {
    try #require(try configuration("table t { x }\naction a mbox\nmatch \(text)\n").rules.first)
}

private let named = TableReference("t")

@Suite("Conditions of match (smtpd.conf 1.6)") struct MatchRuleTests {
    @Test func `without from and for a rule is from local for local`() throws {
        let rule = try rule("action a")
        #expect(rule.from == Condition(.local(countsAuthenticated: false)))
        #expect(rule.destination == Condition(.local))
        #expect(rule.decision == .action("a"))
    }

    @Test func `each condition is taken, negated too`() throws {
        for (not, isNegated) in [("", false), ("!", true), ("! ", true)] {
            #expect(try rule("\(not)tag <t> reject").tag == Condition(named, isNegated: isNegated))
            #expect(try rule("\(not)helo <t> reject").helo == Condition(named, isNegated: isNegated))
            #expect(try rule("\(not)tls reject").tls == Condition(.used, isNegated: isNegated))
            #expect(try rule("\(not)auth reject").auth == Condition(.anyone, isNegated: isNegated))
            #expect(try rule("\(not)auth <t> reject").auth == Condition(.user(named), isNegated: isNegated))
            #expect(try rule("\(not)mail-from <t> reject").sender == Condition(named, isNegated: isNegated))
            #expect(try rule("\(not)rcpt-to <t> reject").recipient == Condition(named, isNegated: isNegated))
            #expect(try rule("\(not)from socket reject").from == Condition(.socket, isNegated: isNegated))
            #expect(try rule("\(not)from local reject").from == Condition(.local(countsAuthenticated: false), isNegated: isNegated))
            #expect(try rule("\(not)from any reject").from == Condition(.any, isNegated: isNegated))
            #expect(try rule("\(not)from src <t> reject").from == Condition(.addresses(named, authenticatedIsLocal: false), isNegated: isNegated))
            #expect(try rule("\(not)from rdns reject").from == Condition(.reverseName(nil), isNegated: isNegated))
            #expect(try rule("\(not)from rdns <t> reject").from == Condition(.reverseName(named), isNegated: isNegated))
            #expect(try rule("\(not)for local reject").destination == Condition(.local, isNegated: isNegated))
            #expect(try rule("\(not)for any reject").destination == Condition(.any, isNegated: isNegated))
            #expect(try rule("\(not)for domain <t> reject").destination == Condition(.domain(named), isNegated: isNegated))
        }
    }

    @Test func `from auth, from mail-from and for rcpt-to negate their second half only`() throws {
        let auth = try rule("!from auth <t> reject")
        #expect(auth.from == Condition(.any))
        #expect(auth.auth == Condition(.user(named), isNegated: true))
        let sender = try rule("!from mail-from <t> reject")
        #expect(sender.from == Condition(.any))
        #expect(sender.sender == Condition(named, isNegated: true))
        let recipient = try rule("!for rcpt-to <t> reject")
        #expect(recipient.destination == Condition(.any))
        #expect(recipient.recipient == Condition(named, isNegated: true))
    }

    @Test func `regex makes the entries expressions`() throws {
        #expect(try rule("mail-from regex <t> reject").sender?.criterion == TableReference("t", isRegex: true))
        #expect(try rule("for domain regex <t> reject").destination.criterion == .domain(TableReference("t", isRegex: true)))
    }

    @Test func `conditions come in any order`() throws {
        var one = try rule("tag <t> from any for any helo <t> reject")
        let two = try rule("helo <t> for any tag <t> from any reject")
        one.location = two.location
        #expect(one == two)
    }

    @Test(arguments: [
        ("from any from local reject", "from condition already given"), ("from auth auth reject", "auth condition already given"),
        ("for any for rcpt-to <t> reject", "for condition already given"), ("for rcpt-to <t> rcpt-to <t> reject", "rcpt-to condition already given"),
        ("tag <t> tag <t> reject", "tag condition already given"), ("tls tls reject", "tls condition already given"),
        ("from ! src <t> reject", "syntax error at `!`"), ("!! tls reject", "syntax error at `!`"), ("from any", "syntax error at the end of the line"),
        ("reject from any", "syntax error at `from`"), ("action nobody", "no such action: nobody"), ("from domain <t> reject", "syntax error at `domain`"),
        ("auth { a = b, c } reject", "syntax error"), ("for any action", "syntax error at the end of the line"),
    ])
    func `is refused`(_ text: String, _ reason: String) {
        let found = errors("table t { x }\naction a mbox\nmatch \(text)\n")
        #expect(found.count == 1)
        #expect(found.first?.contains(reason) == true, "\(found)")
    }

    @Test func `rules keep their order and place`() throws {
        let rules = try configuration("match tag a reject\n\n match tag b reject\n").rules
        #expect(rules.map(\.location.description) == ["smtpd.conf:1:1", "smtpd.conf:3:2"])
    }
}
