import Configuration
import Envelopes
import MailSyntax
import SeededTesting
import Testing

@testable import Routing

@Suite("Smarthosts (smtpd.conf(5), relay host)") struct SmarthostTests {
    private func driver(_ urls: String..., messages: UInt32 = 1) -> Driver {
        var driver = Driver(smarthost())
        driver.offerMessages(1...messages)
        driver.answer(.smarthosts(urls))
        return driver
    }

    @Test func `are asked for once, and again after a minute`() {
        var driver = driver("smtp://198.51.100.1", messages: 3)
        driver.offer([envelope(1, of: 10)])
        #expect(driver.questions.isEmpty)
        driver.pass(60)
        driver.offer([envelope(1, of: 11)])
        #expect(driver.questions == [.smarthosts(table: "hosts")])
    }

    @Test func `are looked up without MX, on their port`() {
        var driver = driver("smtp+notls://relay.example:2525")
        #expect(driver.questions == [.addresses(host: "relay.example")])
        driver.answer(.addresses([ip("127.0.0.1")]))
        #expect(driver.orders.map(\.port) == [2525])
        #expect(driver.orders.map(\.security) == [.never])
    }

    @Test func `take turns, message by message`() {
        let driver = driver("smtp://198.51.100.1", "smtp://198.51.100.2", "smtp://198.51.100.3", messages: 3)
        #expect(Set(driver.orders.map(\.address)).count == 3)
    }

    @Test func `stand in for one that fails`() {
        var driver = driver("smtp://198.51.100.1", "smtp://198.51.100.2")
        driver.end(driver.orders[0].connection, .unreachable("refused"))
        #expect(driver.orders.map(\.address) == [ip("198.51.100.1"), ip("198.51.100.2")])
        driver.offer([envelope(1, of: 2)])
        driver.offer([envelope(1, of: 3)])
        #expect(!driver.orders.dropFirst(2).contains { $0.address == ip("198.51.100.1") })
        driver.end(driver.orders[1].connection, .unreachable("refused"))
        #expect(driver.reports.count == 3)
    }

    @Test func `that do not exist keep the mail, and so does a table without one`() {
        var driver = driver("smtp://gone.example")
        driver.answer(.failed(.notFound))
        #expect(driver.reports[envelope(1)]?.status == "4.4.4")
        for answer in [RoutingAnswer.smarthosts([]), .smarthosts(["nonsense://x"]), .failed(.temporary("locked"))] {
            var driver = Driver(smarthost())
            driver.offer([envelope(1)])
            driver.answer(answer)
            #expect(driver.reports[envelope(1)]?.status == "4.3.5")
        }
    }

    @Test func `of a domain are found by that domain, and a domain without one gives mail back`() {
        var action = RelayAction()
        action.hosts = .byDomain("map")
        var driver = Driver(action)
        driver.offer([envelope(1)], to: "There.example")
        #expect(driver.questions == [.smarthost(table: "map", domain: "there.example")])
        driver.answer(.smarthosts(["lmtp://198.51.100.1:24"]))
        #expect(driver.orders.map(\.isLMTP) == [true])
        driver.offer([envelope(1, of: 2)], to: "else.example")
        driver.answer(.failed(.notFound))
        #expect(driver.reports[envelope(1, of: 2)]?.status == "5.4.4")
    }

    @Test func `get sessions that double while they take mail`() {
        var driver = driver("smtp://198.51.100.1", messages: 500)
        driver.ready(driver.orders[0].connection)
        #expect(driver.orders.count == SmarthostWindow.initial)
        for order in driver.orders.dropFirst() { driver.ready(order.connection) }
        for order in driver.orders { driver.complete(order.connection) }
        #expect(driver.orders.count == 2 * SmarthostWindow.initial)
    }

    @Test func `get no more sessions than max-conn-per-relay`() {
        var driver = driver("smtp://198.51.100.1", messages: 900)
        var ready = 0
        for _ in 0..<20 {
            while ready < driver.orders.count {
                driver.ready(driver.orders[ready].connection)
                ready += 1
            }
            for order in driver.orders where driver.transactions.count < 800 { driver.complete(order.connection) }
        }
        #expect(driver.orders.count == 100)
    }

    @Test func `get half the sessions when they refuse one`() {
        var driver = driver("smtp://198.51.100.1", messages: 500)
        driver.ready(driver.orders[0].connection)
        for order in driver.orders.dropFirst() { driver.ready(order.connection) }
        for order in driver.orders { driver.complete(order.connection) }
        #expect(driver.status?.window == 10)
        driver.end(driver.orders[9].connection, .refused("421 too many"))
        #expect(driver.status?.window == 5)
        #expect(driver.status?.waits == [.window(5)])
        #expect(driver.reports.values.allSatisfy { $0.isDelivered })
    }

    @Test func `are not spared as strangers are`() {
        let settings = RoutingSettings(serverName: "x")
        let smarthost = settings.limits(for: .smarthost(RelayURL(scheme: .smtp, host: "h", port: 25)))
        let stranger = settings.limits(for: .domain("h"))
        #expect(smarthost.connectionDelayRoute == 0 && stranger.connectionDelayRoute == 5)
        #expect(smarthost.connectionsPerRoute == 100 && stranger.connectionsPerRoute == 5)
    }

    @Test func `are looked for each minute with one message, and get the rest when they are back`() {
        var driver = driver("smtp://198.51.100.1", messages: 300)
        driver.end(driver.orders[0].connection, .unreachable("refused"))
        #expect(driver.reports.count == 300)
        driver.pass(14)
        #expect(driver.retries.isEmpty)
        driver.pass(1)
        #expect(driver.retries.count == 1)
        for _ in 0..<5 {
            driver.offer([driver.retries.last!])
            driver.answer(.smarthosts(["smtp://198.51.100.1"]))
            driver.end(driver.orders.last!.connection, .unreachable("refused"))
            driver.pass(60)
        }
        #expect(driver.retries.count == 6)
        driver.offer([driver.retries.last!])
        driver.answer(.smarthosts(["smtp://198.51.100.1"]))
        driver.ready(driver.orders.last!.connection)
        driver.complete(driver.orders.last!.connection)
        #expect(Set(driver.retries).count == 300)
    }
}

@Suite("Failed for the time being (smtpd.conf(5), mta max-deferred)") struct DeferredTests {
    private func driver() -> Driver {
        var driver = Driver()
        driver.offer([envelope(1)])
        driver.answerExchangers("10 a 198.51.100.1")
        driver.ready(driver.orders[0].connection)
        return driver
    }

    private func refusal(_ text: String) -> DeliveryOutcome { .temporary(DeliveryFailure(status: "4.2.0", text: text)) }

    @Test func `is tried again when a delivery to the domain works`() {
        var driver = driver()
        driver.complete(driver.orders[0].connection, refusal("450 busy"))
        #expect(driver.router.domainStatuses(now: driver.now).map(\.lastStatus) == ["450 busy"])
        driver.offer([envelope(1, of: 2)])
        driver.complete(driver.orders[0].connection)
        #expect(driver.retries == [envelope(1)])
        #expect(driver.router.domainStatuses(now: driver.now).map(\.deferred) == [0])
    }

    @Test func `is remembered up to max-deferred envelopes a domain`() {
        for count: UInt32 in [100, 101] {
            var driver = driver()
            driver.complete(driver.orders[0].connection)
            driver.offer((1...count).map { envelope($0, of: 2) })
            driver.complete(driver.orders[0].connection, refusal("450 busy"))
            if count == 101 { driver.complete(driver.orders.last!.connection, refusal("450 busy")) }
            #expect(driver.router.domainStatuses(now: driver.now)[0].deferred == 100)
        }
    }

    @Test func `is tried when the server said`() {
        var driver = driver()
        driver.complete(driver.orders[0].connection, refusal("451 4.7.1 Greylisted, try again in 300 seconds"))
        driver.pass(300)
        #expect(driver.retries.isEmpty)
        driver.pass(1)
        #expect(driver.retries == [envelope(1)])
    }

    @Test func `is forgotten after four hours`() {
        var driver = driver()
        driver.complete(driver.orders[0].connection, refusal("450 busy"))
        driver.pass(4 * 3_600)
        #expect(driver.router.domainStatuses(now: driver.now).isEmpty)
    }

    @Test(arguments: [
        ("451 Greylisted, try again in 300 seconds", 300), ("450 4.2.0 Please retry in 5 minutes", 300),
        ("451 greylisting in action, please come back in 00:04:59", 299), ("451 try again in 60s", 60),
        ("450 Deferred for 1 hour", 3_600), ("451 wait 04:30", 270),
    ])
    func `is told by a hint`(_ reply: String, _ seconds: Int64) {
        #expect(RetryHint.seconds(in: reply) == seconds)
    }

    @Test(arguments: [
        "450 4.2.0 mailbox full", "451 try again later", "451 retry in 0 seconds", "451 try again in 5 hours",
        "451 try again in 99999999999999999999 seconds", "", "450 300 seconds", "451 4.7.1 again 5 apples",
        "451 try again in 1:2:3:4", "451 again x300 seconds",
    ])
    func `is not told by other words`(_ reply: String) {
        #expect(RetryHint.seconds(in: reply) == nil)
    }

    @Test func `survives any words`() {
        var random = SplitMix64(seed: 7)
        let alphabet = Array("0123456789: .againretrysmh\u{E9}".utf8)
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...60, using: &random)).map { _ in alphabet.randomElement(using: &random)! }
            if let seconds = RetryHint.seconds(in: String(decoding: bytes, as: UTF8.self)) {
                #expect((1...RetryHint.maximum).contains(seconds))
            }
        }
    }
}
