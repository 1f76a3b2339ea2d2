import Configuration
import Envelopes
import MailSyntax
import Testing

@testable import Routing

@Suite("Finding hosts for a domain") struct ResolutionTests {
    @Test func `asks once for all mail of a domain`() {
        var driver = Driver()
        driver.offerMessages(1...5)
        driver.offer([envelope(1, of: 9)], to: "THERE.example")
        #expect(driver.questions == [.exchangers(domain: "there.example")])
        #expect(driver.status?.waits == [.asking(.exchangers(domain: "there.example"))])
    }

    @Test(arguments: [
        (RoutingAnswer.acceptsNoMail, "5.1.10"), (.failed(.notFound), "5.1.2"), (.failed(.invalidName), "5.1.2"),
        (.failed(.temporary("SERVFAIL")), "4.4.3"), (.exchangers([], isImplicit: true), "5.4.4"),
    ])
    func `fails as the answer demands`(_ answer: RoutingAnswer, _ status: String) {
        var driver = Driver()
        driver.offer([envelope(1), envelope(2)])
        driver.answer(answer)
        #expect(driver.reports.mapValues(\.status) == [envelope(1): status, envelope(2): status])
        #expect(driver.reports.values.allSatisfy { $0.isPermanent == status.hasPrefix("5") })
    }

    @Test func `takes an address literal as it is`() {
        var driver = Driver()
        driver.offer([envelope(1)], to: "[IPv6:2001:db8::5]")
        #expect(driver.questions.isEmpty)
        #expect(driver.orders.map(\.address) == [ip("2001:db8::5")])
        driver.offer([envelope(2)], to: "[192.0.2.1]")
        #expect(driver.reports[envelope(2)]?.status == "5.4.6")
    }

    @Test func `asks again after a failure, and not while an answer is fresh`() {
        var driver = Driver()
        driver.offer([envelope(1)])
        driver.answer(.failed(.temporary("SERVFAIL")))
        driver.offer([envelope(2)])
        #expect(driver.questions.count == 1)
        driver.answerExchangers("10 a 198.51.100.1")
        driver.offer([envelope(3, of: 2)])
        #expect(driver.questions.isEmpty)
    }

    @Test func `ignores an answer that nobody waits for`() {
        var driver = Driver()
        driver.router.answered(.exchangers(domain: "x.example"), .acceptsNoMail, now: driver.now)
        driver.router.answered(.smarthosts(table: "t"), .smarthosts([]), now: driver.now)
        driver.take()
        #expect(driver.reports.isEmpty)
    }

    @Test func `fails mail of an action that is gone`() {
        var driver = Driver()
        driver.offer([envelope(1)], action: "gone")
        #expect(driver.reports[envelope(1)]?.status == "4.3.5")
    }

    @Test func `sends nothing when TLS is demanded of a scheme without it`() {
        var action = smarthost()
        action.tls = .verified
        var driver = Driver(action)
        driver.offer([envelope(1)])
        driver.answer(.smarthosts(["smtp+notls://relay.example"]))
        #expect(driver.reports[envelope(1)]?.status == "4.7.5")
        #expect(driver.orders.isEmpty)
    }

    @Test func `forgets a relay a while after its last mail`() {
        var driver = Driver()
        driver.offer([envelope(1)])
        driver.answer(.acceptsNoMail)
        #expect(driver.router.counts.relays == 1)
        driver.pass(61)
        #expect(driver.router.counts.relays == 0)
    }
}

@Suite("Source addresses of an action (smtpd.conf(5), src)") struct SourceTests {
    private func driver() -> Driver {
        var action = RelayAction()
        action.sources = "src"
        var driver = Driver(action)
        driver.offer([envelope(1)])
        return driver
    }

    @Test func `are bound, of the family of the host`() {
        var driver = driver()
        #expect(Set(driver.questions) == [.exchangers(domain: "there.example"), .sources(table: "src")])
        let questions = driver.questions
        driver.questions = questions.filter { $0 == .sources(table: "src") }
        driver.answer(.sources([ip("2001:db8::7"), ip("203.0.113.7")]))
        driver.questions = questions.filter { $0 != .sources(table: "src") }
        driver.answerExchangers("10 a 198.51.100.1")
        #expect(driver.orders.map(\.source) == [ip("203.0.113.7")])
    }

    @Test func `that do not fit keep the mail`() {
        var driver = driver()
        driver.router.answered(.sources(table: "src"), .sources([ip("2001:db8::7")]), now: driver.now)
        driver.router.answered(
            .exchangers(domain: "there.example"), .exchangers([exchanger("10 a 198.51.100.1")], isImplicit: false),
            now: driver.now)
        driver.take()
        #expect(driver.reports[envelope(1)]?.status == "4.4.4")
    }

    @Test func `that the table lacks keep the mail`() {
        var driver = driver()
        driver.router.answered(.sources(table: "src"), .sources([]), now: driver.now)
        driver.take()
        #expect(driver.reports[envelope(1)]?.status == "4.3.5")
    }

    @Test func `that cannot be bound are passed over, and come back after a while`() {
        var driver = driver()
        driver.router.answered(.sources(table: "src"), .sources([ip("203.0.113.7"), ip("203.0.113.8")]), now: driver.now)
        driver.router.answered(
            .exchangers(domain: "there.example"), .exchangers([exchanger("10 a 198.51.100.1")], isImplicit: false),
            now: driver.now)
        driver.take()
        driver.end(driver.orders[0].connection, .sourceUnavailable("cannot assign"))
        #expect(driver.orders.map(\.source) == [ip("203.0.113.7"), ip("203.0.113.8")])
        driver.end(driver.orders[1].connection, .sourceUnavailable("cannot assign"))
        #expect(driver.reports[envelope(1)] == .temporary(DeliveryFailure(status: "4.4.1", text: "cannot assign")))
    }
}
