import Configuration
import Envelopes
import MailSyntax
import Testing

@testable import Routing

@Suite("Sessions and their transactions") struct SessionTests {
    /// With one ready session, and nothing waiting.
    private func driver(_ change: (inout RoutingSettings) -> Void = { _ in }) -> Driver {
        var driver = Driver(strangers, change)
        driver.offer([envelope(1)])
        driver.answerExchangers("10 a 198.51.100.1")
        driver.ready(driver.orders[0].connection)
        driver.complete(driver.orders[0].connection)
        return driver
    }

    @Test func `take all recipients of a message in one transaction`() {
        var driver = driver()
        driver.offer((1...5).map { envelope($0, of: 2) })
        #expect(driver.transactions.last?.ids == (1...5).map { envelope($0, of: 2) })
    }

    @Test func `take no more than 100 recipients at a time to strangers`() {
        var driver = Driver()
        driver.offer((1...201).map { envelope($0) })
        driver.answerExchangers("10 a 198.51.100.1")
        for _ in 0..<3 { driver.orders.count == 1 && driver.transactions.isEmpty ? driver.ready(driver.orders[0].connection) : driver.complete(driver.orders[0].connection) }
        #expect(driver.transactions.map(\.ids.count) == [100, 100, 1])
    }

    @Test func `keep different reverse paths of one message apart`() {
        var driver = Driver()
        driver.offer([envelope(1)], variant: 0)
        driver.offer([envelope(2)], variant: 1)
        driver.answerExchangers("10 a 198.51.100.1")
        driver.ready(driver.orders[0].connection)
        driver.complete(driver.orders[0].connection)
        #expect(driver.transactions.map(\.ids) == [[envelope(1)], [envelope(2)]])
    }

    @Test func `are used again, and left after 10 s without work`() {
        var driver = driver()
        driver.pass(9.9)
        driver.offer([envelope(1, of: 2)])
        #expect(driver.transactions.count == 2)
        driver.complete(driver.orders[0].connection)
        driver.pass(9.9)
        #expect(driver.quits.isEmpty)
        driver.pass(0.1)
        #expect(driver.quits == [driver.orders[0].connection])
        driver.offer([envelope(1, of: 3)])
        #expect(driver.transactions.count == 2)
    }

    @Test func `end after session-mail-max messages`() {
        var driver = driver { $0.mta.limits.mailsPerSession = 2 }
        driver.offer([envelope(1, of: 2)])
        #expect(driver.quits.isEmpty)
        driver.complete(driver.orders[0].connection)
        #expect(driver.quits == [driver.orders[0].connection])
    }

    @Test func `end after max-failures-per-session refused recipients in a row`() {
        for (count, quits) in [(24, 0), (25, 1)] {
            var driver = driver()
            driver.offer((1...UInt32(count)).map { envelope($0, of: 2) })
            driver.complete(driver.orders[0].connection, .permanent(DeliveryFailure(status: "5.1.1", text: "550 no")))
            #expect(driver.quits.count == quits)
        }
    }

    @Test func `end after ten messages without success`() {
        var driver = driver()
        for number in 2...11 {
            #expect(driver.quits.isEmpty)
            driver.offer([envelope(1, of: UInt32(number))])
            driver.complete(driver.orders[0].connection, .permanent(DeliveryFailure(status: "5.1.1", text: "550 no")))
        }
        #expect(driver.quits.count == 1)
    }

    @Test func `wait session-transaction-delay between messages`() {
        var driver = driver { $0.mta.limits.transactionDelay = 3 }
        driver.offer([envelope(1, of: 2)])
        #expect(driver.transactions.count == 1)
        driver.pass(2.9)
        #expect(driver.transactions.count == 1)
        driver.pass(0.1)
        #expect(driver.transactions.count == 2)
    }

    @Test func `send recipients that were too many in a transaction of their own, and fewer from then on`() {
        var driver = driver()
        driver.offer((1...6).map { envelope($0, of: 2) })
        let session = driver.orders[0].connection
        for number in 1...6 {
            driver.router.settled(
                session, envelope(UInt32(number), of: 2), as: number <= 2 ? .outcome(.delivered("ok")) : .tooManyRecipients,
                now: driver.now)
        }
        driver.ready(session)
        #expect(driver.transactions.last?.ids == [envelope(3, of: 2), envelope(4, of: 2)])
        driver.complete(session)
        driver.complete(session)
        #expect(driver.reports.count == 7)
        #expect(driver.reports.values.allSatisfy { $0.isDelivered })
    }

    @Test func `keep the mail of a server that takes no recipient at all`() {
        var driver = driver()
        driver.offer([envelope(1, of: 2)])
        driver.router.settled(driver.orders[0].connection, envelope(1, of: 2), as: .tooManyRecipients, now: driver.now)
        driver.ready(driver.orders[0].connection)
        #expect(driver.reports[envelope(1, of: 2)]?.status == "4.5.3")
        #expect(driver.transactions.count == 2)
    }

    @Test func `that break after good service pass their message on to another`() {
        var driver = driver()
        driver.offer([envelope(1, of: 2)])
        driver.end(driver.orders[0].connection, .broken("closed"))
        driver.pass(10)
        driver.ready(driver.orders[1].connection)
        #expect(driver.transactions.last?.connection == driver.orders[1].connection)
        #expect(driver.transactions.last?.ids == [envelope(1, of: 2)])
        driver.end(driver.orders[1].connection, .broken("closed"))
        #expect(driver.reports[envelope(1, of: 2)] == .temporary(DeliveryFailure(status: "4.4.2", text: "closed")))
    }

    @Test func `that break never have a settled envelope sent again`() {
        var driver = driver()
        driver.offer([envelope(1, of: 2), envelope(2, of: 2)])
        driver.settle(driver.orders[0].connection, envelope(1, of: 2))
        driver.end(driver.orders[0].connection, .broken("closed"))
        driver.pass(10)
        driver.ready(driver.orders[1].connection)
        #expect(driver.transactions.last?.ids == [envelope(2, of: 2)])
    }

    @Test func `that break again and again disable the route`() {
        var driver = Driver()
        for number in 1...5 {
            driver.offer([envelope(1, of: UInt32(number))])
            driver.answerExchangers("10 a 198.51.100.1")
            driver.pass(6)
            driver.ready(driver.orders.last!.connection)
            // Each session comes about, and none does anything: the count goes on.
            driver.end(driver.orders.last!.connection, .broken("closed"))
            driver.pass(6)
        }
        #expect(driver.router.routeStatuses(now: driver.now)[0].isDisabled)
    }

    @Test func `are asked to finish, and nothing new begins`() {
        var driver = driver()
        driver.offer([envelope(1, of: 2)])
        driver.offer([envelope(1, of: 3)])
        driver.router.finish(now: driver.now)
        driver.take()
        #expect(driver.quits.isEmpty)
        driver.complete(driver.orders[0].connection)
        #expect(driver.quits == [driver.orders[0].connection])
        #expect(!driver.router.isIdle)
        driver.end(driver.orders[0].connection, .quit)
        driver.pass(100)
        #expect(driver.router.isIdle)
        #expect(driver.orders.count == 1)
        #expect(driver.reports[envelope(1, of: 3)] == nil)
    }

    @Test func `of actions that a new configuration lacks end with their message`() {
        var driver = driver()
        driver.offer([envelope(1, of: 2)])
        driver.router.reconfigured(RoutingSettings(serverName: "mx.here.example"), now: driver.now)
        driver.complete(driver.orders[0].connection)
        #expect(driver.quits == [driver.orders[0].connection])
    }
}

@Suite("Limits and delays (smtpd.conf(5), mta limit)") struct LimitTests {
    /// Many messages for a host that has proved itself; sessions stay busy.
    private func orders(after seconds: Double, _ change: (inout MTALimits) -> Void) -> Int {
        var driver = Driver(strangers) {
            $0.mta.limits.connectionDelayRoute = 0
            $0.mta.limits.connectionDelayRelay = 0
            $0.mta.limits.taskHighWater = 1_000
            change(&$0.mta.limits)
        }
        driver.offerMessages(1...500)
        driver.answerExchangers("10 a 198.51.100.1")
        driver.ready(driver.orders[0].connection)
        driver.pass(0.001)
        var ready = 1
        let end = driver.now.advanced(byMilliseconds: Int64(seconds * 1_000))
        while driver.now < end {
            while ready < driver.orders.count {
                driver.ready(driver.orders[ready].connection)
                ready += 1
            }
            driver.pass(0.1)
        }
        return driver.orders.count
    }

    @Test func `bound the sessions of route, host, connector, source, relay and domain`() {
        #expect(orders(after: 3) { _ in } == 5)
        #expect(orders(after: 3) { $0.connectionsPerRoute = 50 } == 10)
        func wide(_ limits: inout MTALimits) { (limits.connectionsPerRoute, limits.connectionsPerHost) = (300, 300) }
        #expect(orders(after: 3) { wide(&$0) } == 20)
        #expect(orders(after: 3) { wide(&$0); $0.connectionsPerConnector = 300 } == 100)
        #expect(orders(after: 3) { wide(&$0); $0.connectionsPerConnector = 7 } == 7)
        #expect(orders(after: 3) { wide(&$0); $0.connectionsPerConnector = 300; $0.connectionsPerSource = 8 } == 8)
        #expect(orders(after: 3) { wide(&$0); $0.connectionsPerConnector = 300; $0.connectionsPerRelay = 9 } == 9)
        #expect(orders(after: 3) { wide(&$0); $0.connectionsPerConnector = 300; $0.connectionsPerDomain = 11 } == 11)
    }

    @Test func `of zero leave one session, so that mail moves`() {
        #expect(orders(after: 3) { $0.connectionsPerRelay = 0 } == 1)
    }

    @Test func `keep connects apart`() {
        let paths: [WritableKeyPath<MTALimits, Int>] = [
            \.connectionDelayHost, \.connectionDelayRoute, \.connectionDelaySource, \.connectionDelayConnector,
            \.connectionDelayRelay, \.connectionDelayDomain,
        ]
        for path in paths {
            #expect(orders(after: 8.5) { $0[keyPath: path] = 4 } == 3, "\(path)")
        }
    }

    @Test func `keep a connect apart from the last disconnect`() {
        var driver = Driver(strangers) { $0.mta.limits.connectionDelayRoute = 0; $0.mta.limits.connectionDelayRelay = 0 }
        driver.offer([envelope(1)])
        driver.answerExchangers("10 a 198.51.100.1")
        driver.ready(driver.orders[0].connection)
        driver.complete(driver.orders[0].connection)
        driver.pass(10)
        driver.end(driver.orders[0].connection, .quit)
        driver.offer([envelope(1, of: 2)])
        driver.pass(2.9)
        #expect(driver.orders.count == 1)
        driver.pass(0.1)
        #expect(driver.orders.count == 2)
    }

    @Test func `for a domain hold for that domain alone`() {
        var driver = Driver(strangers) {
            var limits = MTALimits()
            limits.families = .v6
            $0.mta.limitsByDomain["there.example"] = limits
        }
        driver.offer([envelope(1)])
        driver.answerExchangers("10 a 198.51.100.1 2001:db8::a")
        driver.offer([envelope(1, of: 2)], to: "else.example")
        driver.answerExchangers("10 b 198.51.100.2")
        #expect(driver.orders.map(\.address) == [ip("2001:db8::a"), ip("198.51.100.2")])
    }

    @Test func `of a shared host let the next relay in when a session ends`() {
        var driver = Driver(strangers) { $0.mta.limits.connectionsPerHost = 1; $0.mta.limits.connectionDelayRoute = 0; $0.mta.limits.reconnectionDelayRoute = 0 }
        driver.offer([envelope(1)])
        driver.answerExchangers("10 a 198.51.100.1")
        driver.ready(driver.orders[0].connection)
        driver.offer([envelope(1, of: 2)], to: "else.example")
        driver.answerExchangers("10 a 198.51.100.1")
        #expect(driver.orders.count == 1)
        #expect(driver.router.relayStatuses(now: driver.now).first?.waits == [.limit(.host, maximum: 1)])
        driver.complete(driver.orders[0].connection)
        driver.pass(10)
        driver.end(driver.orders[0].connection, .quit)
        #expect(driver.orders.count == 2)
    }

    @Test func `send what is too much to the hold queue, and ask for it in time`() {
        var driver = Driver()
        driver.offerMessages(1...60)
        #expect(driver.held.count == 10)
        #expect(driver.held.values.allSatisfy { $0 >> 63 == 1 })
        driver.answerExchangers("10 a 198.51.100.1")
        driver.ready(driver.orders[0].connection)
        for _ in 1...19 { driver.complete(driver.orders[0].connection) }
        #expect(driver.releases.count == 1)
        #expect(driver.releases[0].count == 10)
        #expect(driver.status?.held == 0)
    }

    @Test func `let all of the hold queue go when the relay fails`() {
        var driver = Driver()
        driver.offerMessages(1...60)
        driver.answer(.failed(.temporary("SERVFAIL")))
        #expect(driver.releasedAll == Array(Set(driver.held.values)))
        #expect(driver.reports.count == 50)
    }

    @Test func `take more of a message whose task waits already`() {
        var driver = Driver()
        driver.offerMessages(1...50)
        driver.offer([envelope(2, of: 50)])
        #expect(driver.held.isEmpty)
    }

    @Test func `say why mail waits`() {
        var driver = Driver()
        driver.offerMessages(1...9)
        driver.answerExchangers("10 a 198.51.100.1")
        #expect(driver.status?.waits == [.provingRoute(ip("198.51.100.1")), .delay(.relay, seconds: 2)]
            || driver.status?.waits == [.delay(.relay, seconds: 2), .provingRoute(ip("198.51.100.1"))])
        driver.ready(driver.orders[0].connection)
        #expect(driver.status?.waits.contains(.delay(.route, seconds: 5)) == true)
        #expect(driver.status?.connectors.first?.flags.text == "WAIT")
    }

    @Test func `are lifted and set by operators for a source or a domain`() {
        var driver = Driver()
        var changed = driver.router.block(source: nil, domain: "There.example", now: driver.now)
        #expect(changed)
        changed = driver.router.block(source: nil, domain: "there.example", now: driver.now)
        #expect(!changed)
        driver.offer([envelope(1)])
        driver.answerExchangers("10 a 198.51.100.1")
        #expect(driver.reports[envelope(1)]?.isTemporary == true)
        #expect(driver.router.blocked.map(\.domain) == ["there.example"])
        changed = driver.router.unblock(source: nil, domain: "there.example", now: driver.now)
        #expect(changed)
        driver.offer([envelope(1, of: 2)])
        #expect(driver.orders.count == 1)
    }
}
