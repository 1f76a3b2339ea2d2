import Configuration
import Envelopes
import MailSyntax
import Testing

@testable import Routing

@Suite("Connecting in the order of preference") struct ConnectingTests {
    private func driver(_ hosts: String..., messages: UInt32 = 1) -> Driver {
        var driver = Driver()
        driver.offerMessages(1...messages)
        driver.answer(.exchangers(hosts.map(exchanger), isImplicit: false))
        return driver
    }

    @Test func `goes to the next host at once when one cannot be reached`() {
        var driver = driver("10 a 198.51.100.1", "20 b 198.51.100.2", "30 c 198.51.100.3")
        driver.end(driver.orders[0].connection, .unreachable("refused"))
        driver.end(driver.orders[1].connection, .refused("554 go away"))
        #expect(driver.orders.map(\.hostName) == ["a", "b", "c"])
        driver.ready(driver.orders[2].connection)
        #expect(driver.transactions.map(\.ids) == [[envelope(1)]])
    }

    @Test func `fails with the most telling reason when all hosts are out of order`() {
        var driver = driver("10 a 198.51.100.1", "20 b 198.51.100.2")
        driver.end(driver.orders[0].connection, .refused("554 go away"))
        driver.end(driver.orders[1].connection, .unreachable("no route"))
        #expect(driver.reports[envelope(1)] == .temporary(DeliveryFailure(status: "4.3.2", text: "554 go away")))
    }

    @Test func `leaves a host alone for 15 s times the square of its failures, at most an hour`() {
        var driver = driver("10 a 198.51.100.1")
        for penalty in 1...20 {
            driver.end(driver.orders.last!.connection, .unreachable("refused"))
            let seconds = min(3_600, 15 * penalty * penalty)
            driver.pass(Double(seconds) - 1)
            let before = driver.orders.count
            driver.offer([envelope(UInt32(penalty), of: 100)])
            driver.answerExchangers("10 a 198.51.100.1")
            #expect(driver.orders.count == before, "penalty \(penalty)")
            driver.pass(1)
            driver.offer([envelope(UInt32(penalty), of: 101)])
            driver.answerExchangers("10 a 198.51.100.1")
            #expect(driver.orders.count == before + 1, "penalty \(penalty)")
        }
    }

    @Test func `forgives a host that answers`() {
        var driver = driver("10 a 198.51.100.1")
        driver.end(driver.orders[0].connection, .unreachable("refused"))
        #expect(driver.router.routeStatuses(now: driver.now).map(\.flags) == ["NDQ-"])
        driver.pass(15)
        driver.offer([envelope(1, of: 2)])
        driver.ready(driver.orders[1].connection)
        driver.complete(driver.orders[1].connection, .permanent(DeliveryFailure(status: "5.1.1", text: "550 no")))
        let route = driver.router.routeStatuses(now: driver.now)[0]
        #expect(route.flags == "---K")
        #expect(route.penalty == 0 && route.errors == 0)
    }

    @Test func `resumes a route on demand`() {
        var driver = driver("10 a 198.51.100.1")
        driver.end(driver.orders[0].connection, .unreachable("refused"))
        driver.pass(4)
        let resumed = driver.router.resumeRoute(driver.orders[0].route, now: driver.now)
        #expect(resumed)
        let unknown = driver.router.resumeRoute(99, now: driver.now)
        #expect(!unknown)
        driver.pass(2)
        driver.offer([envelope(1, of: 2)])
        #expect(driver.orders.count == 2)
    }

    @Test func `gives a new host one connection until it has answered`() {
        var driver = driver("10 a 198.51.100.1", messages: 20)
        driver.pass(20)
        #expect(driver.orders.count == 1)
        driver.ready(driver.orders[0].connection)
        driver.pass(20)
        #expect(driver.orders.count > 1)
    }

    @Test func `spreads connections over hosts of equal preference`() {
        var driver = driver("10 a 198.51.100.1", "10 b 198.51.100.2", messages: 20)
        driver.pass(3)
        #expect(Set(driver.orders.map(\.hostName)) == ["a", "b"])
    }

    @Test func `tells apart two ports of one host`() {
        var driver = Driver(smarthost())
        driver.offer([envelope(1)])
        driver.answer(.smarthosts(["smtp://198.51.100.1:587", "smtp://198.51.100.1:25"]))
        driver.end(driver.orders[0].connection, .unreachable("refused"))
        #expect(driver.orders.map(\.port) == [587, 25])
    }
}

@Suite("Races between address families (RFC 8305)") struct RaceTests {
    private func driver() -> Driver {
        var driver = Driver()
        driver.offer([envelope(1)])
        driver.answerExchangers("10 a 198.51.100.1 2001:db8::a")
        return driver
    }

    @Test func `begin with IPv6 and let IPv4 join after 250 ms`() {
        var driver = driver()
        #expect(driver.orders.map(\.address) == [ip("2001:db8::a")])
        driver.pass(0.249)
        #expect(driver.orders.count == 1)
        driver.pass(0.001)
        #expect(driver.orders.map(\.address) == [ip("2001:db8::a"), ip("198.51.100.1")])
    }

    @Test func `are won by the first connection that opens`() {
        var driver = driver()
        driver.pass(0.3)
        driver.connected(driver.orders[1].connection)
        #expect(driver.abandoned == [driver.orders[0].connection])
        driver.ready(driver.orders[0].connection)
        driver.end(driver.orders[0].connection, .unreachable("late"))
        #expect(driver.transactions.isEmpty)
        driver.ready(driver.orders[1].connection)
        #expect(driver.transactions.map(\.connection) == [driver.orders[1].connection])
    }

    @Test func `are remembered`() {
        var driver = driver()
        driver.pass(0.3)
        driver.ready(driver.orders[1].connection)
        driver.complete(driver.orders[1].connection)
        driver.pass(15)
        driver.end(driver.orders[1].connection, .quit)
        driver.pass(15)
        driver.offer([envelope(1, of: 2)])
        #expect(driver.orders.map(\.address) == [ip("2001:db8::a"), ip("198.51.100.1"), ip("198.51.100.1")])
    }

    @Test func `are cut short by a failure`() {
        var driver = driver()
        driver.end(driver.orders[0].connection, .unreachable("no route"))
        #expect(driver.orders.map(\.address) == [ip("2001:db8::a"), ip("198.51.100.1")])
    }

    @Test func `come back to the loser when the winner turns us away`() {
        var driver = driver()
        driver.pass(0.3)
        driver.connected(driver.orders[1].connection)
        driver.end(driver.orders[1].connection, .refused("554 no"))
        driver.pass(5)
        #expect(driver.orders.last?.address == ip("2001:db8::a"))
        #expect(driver.reports.isEmpty)
    }

    @Test func `do not bring in hosts of a worse preference`() {
        var driver = Driver()
        driver.offer([envelope(1)])
        driver.answerExchangers("10 a 198.51.100.1", "20 b 198.51.100.2")
        driver.pass(60)
        #expect(driver.orders.count == 1)
    }
}

@Suite("TLS and authentication that fail") struct HandshakeFailureTests {
    private func driver(_ action: RelayAction, _ url: String? = nil) -> Driver {
        var driver = Driver(action)
        driver.offer([envelope(1)])
        if let url { driver.answer(.smarthosts([url])) }
        if driver.questions == [.exchangers(domain: "there.example")] { driver.answerExchangers("10 a 198.51.100.1", "20 b 198.51.100.2") }
        return driver
    }

    @Test func `lead to plain text on the same host where that is allowed, and are remembered`() {
        var driver = driver(strangers)
        #expect(driver.orders[0].security == .opportunistic)
        driver.end(driver.orders[0].connection, .tlsFailed("handshake failure"))
        #expect(driver.orders[1].security == .never)
        #expect(driver.orders[1].address == driver.orders[0].address)
        driver.ready(driver.orders[1].connection)
        driver.complete(driver.orders[1].connection)
        driver.pass(11)
        driver.end(driver.orders[1].connection, .quit)
        driver.pass(20)
        driver.offer([envelope(1, of: 2)])
        #expect(driver.orders[2].security == .never)
    }

    @Test func `never lead to plain text where TLS is demanded`() {
        var action = RelayAction()
        action.tls = .verified
        var driver = driver(action)
        driver.end(driver.orders[0].connection, .untrusted("wrong name"))
        driver.end(driver.orders[1].connection, .tlsFailed("not offered"))
        #expect(driver.orders.map(\.security) == [.startTLS(verified: true), .startTLS(verified: true)])
        #expect(driver.reports[envelope(1)] == .temporary(DeliveryFailure(status: "4.7.5", text: "wrong name")))
    }

    @Test func `do not spoil the host for others`() {
        var demanding = RelayAction()
        demanding.tls = .required
        var driver = Driver(demanding) { $0.actions["plain"] = strangers }
        driver.offer([envelope(1)])
        driver.answerExchangers("10 a 198.51.100.1")
        driver.end(driver.orders[0].connection, .tlsFailed("not offered"))
        driver.pass(5)
        driver.offer([envelope(1, of: 2)], action: "plain")
        driver.answerExchangers("10 a 198.51.100.1")
        #expect(driver.orders.count == 2)
    }

    @Test func `keep the mail when credentials are refused`() {
        var action = smarthost()
        action.auth = "secrets"
        var driver = driver(action, "smtps://me@198.51.100.1")
        #expect(driver.questions == [.credentials(CredentialsReference(table: "secrets", label: "me"))])
        driver.answer(.credentialsFound)
        #expect(driver.orders[0].credentials?.label == "me")
        driver.end(driver.orders[0].connection, .authenticationFailed("535 no"))
        #expect(driver.reports[envelope(1)] == .temporary(DeliveryFailure(status: "4.7.8", text: "535 no")))
        driver.offer([envelope(1, of: 2)])
        #expect(driver.orders.count == 1)
    }

    @Test func `keep the mail when there are no credentials`() {
        var action = smarthost()
        action.auth = "secrets"
        var driver = driver(action, "smtps://me@198.51.100.1")
        driver.answer(.failed(.notFound))
        #expect(driver.reports[envelope(1)]?.status == "4.7.8")
        #expect(driver.orders.isEmpty)
    }
}
