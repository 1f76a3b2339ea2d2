import Configuration
import Envelopes
import MailSyntax
import Testing

@testable import Routing

@Suite("What an operator schedules is tried now, once for each order") struct ResumingTests {
    /// One message has failed at a domain with one host.
    private func failed(_ end: ConnectionEnd, _ action: RelayAction = strangers) -> Driver {
        var driver = Driver(action)
        driver.offer([envelope(1)])
        driver.answerExchangers("10 a 198.51.100.1")
        driver.end(driver.orders[0].connection, end)
        driver.pass(6)
        return driver
    }

    @Test(arguments: [ConnectionEnd.unreachable("refused"), .refused("554 no"), .sourceUnavailable("in use")])
    func `a route that errors disabled is tried`(_ end: ConnectionEnd) {
        var driver = failed(end)
        driver.offer([envelope(1, of: 2)])
        #expect(driver.orders.count == 1 && driver.reports[envelope(1, of: 2)]?.isTemporary == true)
        driver.offer([envelope(1, of: 3)], order: 1)
        #expect(driver.orders.count == 2)
        driver.ready(driver.orders[1].connection)
        driver.complete(driver.orders[1].connection)
        #expect(driver.reports[envelope(1, of: 3)]?.isDelivered == true)
    }

    @Test func `a host that is still away is called once for an order, whatever the number of envelopes`() {
        var driver = failed(.unreachable("refused"))
        for message in UInt32(2)...20 {
            driver.offer([envelope(1, of: message)], order: 1)
            if driver.orders.count == 2, message == 5 { driver.end(driver.orders[1].connection, .unreachable("refused")) }
        }
        #expect(driver.orders.count == 2)
        #expect(driver.reports.count == 20)
        // The first rest of all, since what was before is forgiven.
        #expect(driver.router.routeStatuses(now: driver.now).map(\.penalty) == [1])
        driver.pass(6)
        driver.offer([envelope(1, of: 30)], order: 2)
        #expect(driver.orders.count == 3)
    }

    @Test func `a certificate and credentials are looked at again`() {
        var action = RelayAction()
        action.tls = .verified
        var driver = failed(.untrusted("expired"), action)
        driver.offer([envelope(1, of: 2)])
        #expect(driver.orders.count == 1)
        driver.offer([envelope(1, of: 3)], order: 1)
        #expect(driver.orders.count == 2)

        action = smarthost()
        action.auth = "secrets"
        driver = Driver(action)
        driver.offer([envelope(1)])
        driver.answer(.smarthosts(["smtps://me@198.51.100.1"]))
        driver.answer(.credentialsFound)
        driver.end(driver.orders[0].connection, .authenticationFailed("535 no"))
        driver.offer([envelope(1, of: 2)])
        #expect(driver.questions.isEmpty && driver.orders.count == 1)
        driver.offer([envelope(1, of: 3)], order: 1)
        driver.answer(.credentialsFound)
        #expect(driver.orders.count == 2)
    }

    @Test func `all smarthosts of a table are in order again, and the first is tried first`() {
        var driver = Driver(smarthost())
        driver.offer([envelope(1)])
        driver.answer(.smarthosts(["smtp://198.51.100.1", "smtp://198.51.100.2"]))
        driver.end(driver.orders[0].connection, .unreachable("refused"))
        driver.end(driver.orders[1].connection, .unreachable("refused"))
        #expect(driver.reports.count == 1)
        driver.offer([envelope(1, of: 2)], order: 1)
        #expect(driver.orders.count == 3 && driver.reports.count == 1)
        driver.end(driver.orders[2].connection, .unreachable("refused"))
        #expect(driver.orders.count == 4 && driver.reports.count == 1)
        driver.end(driver.orders[3].connection, .unreachable("refused"))
        #expect(driver.reports.count == 2)
        driver.offer([envelope(1, of: 3)], order: 1)
        #expect(driver.orders.count == 4 && driver.reports.count == 3)
    }

    @Test func `a relay that was forgotten since finds its route again`() {
        var driver = failed(.unreachable("refused"))
        // Each failure behind a rest makes the next one longer: 15 seconds, 60, 135, 240.
        for (number, rest) in [10.0, 61, 136].enumerated() {
            driver.pass(rest)
            driver.offer([envelope(1, of: UInt32(number) + 2)])
            driver.answerExchangers("10 a 198.51.100.1")
            #expect(driver.orders.count == number + 2)
            driver.end(driver.orders[number + 1].connection, .unreachable("refused"))
        }
        driver.pass(70)
        #expect(driver.router.relays.isEmpty)
        let before = driver.orders.count
        driver.offer([envelope(1, of: 10)])
        driver.answerExchangers("10 a 198.51.100.1")
        #expect(driver.orders.count == before)
        driver.pass(70)
        driver.offer([envelope(1, of: 11)], order: 1)
        driver.answerExchangers("10 a 198.51.100.1")
        #expect(driver.orders.count == before + 1)
    }

    @Test func `limits, delays and what operators block hold all the same`() {
        var driver = Driver()
        driver.offer([envelope(1)])
        driver.answerExchangers("10 a 198.51.100.1")
        driver.end(driver.orders[0].connection, .unreachable("refused"))
        driver.pass(1)
        driver.offer([envelope(1, of: 2)], order: 1)
        #expect(driver.orders.count == 1)
        driver.pass(6)
        #expect(driver.orders.count == 2)
        driver.end(driver.orders[1].connection, .unreachable("refused"))
        driver.pass(20)
        let isBlocked = driver.router.block(source: nil, domain: "there.example", now: driver.now)
        #expect(isBlocked)
        driver.offer([envelope(1, of: 3)], order: 2)
        #expect(driver.orders.count == 2 && driver.reports[envelope(1, of: 3)]?.isTemporary == true)
    }
}
