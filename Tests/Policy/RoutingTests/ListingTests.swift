import Configuration
import MailSyntax
import Testing

@testable import Routing

@Suite("Lists of relaying (smtpctl(8))") struct ListingTests {
    /// A router with one route that has failed, four seconds ago.
    private func failed() -> Driver {
        var driver = Driver()
        driver.offer([envelope(1)])
        driver.answerExchangers("10 a.mx.example 198.51.100.1")
        driver.end(driver.orders[0].connection, .unreachable("re\u{1B}fused"))
        driver.pass(4)
        return driver
    }

    private func lines(_ driver: Driver, _ list: RoutingList, asJSON: Bool = false) -> [String] {
        driver.router.lines(of: list, asJSON: asJSON, now: driver.now, wallClock: 1_700_000_000)
    }

    @Test func `hosts, routes and relays have their formats`() {
        let driver = failed()
        #expect(lines(driver, .hosts) == ["198.51.100.1 a.mx.example refcount=1 nconn=0 lastconn=4s"])
        #expect(lines(driver, .routes) == ["1. [] <-> 198.51.100.1 (a.mx.example) NDQ- nconn=0 nerror=1 penalty=1 timeout=11s"])
        let relays = lines(driver, .relays)
        #expect(relays.count == 2)
        #expect(relays[0].hasPrefix("[relay:there.example,port=25,smtp] refcount="), "\(relays)")
        #expect(relays[1].hasPrefix("  connector [] refcount=0 nconn=0 lastconn=4s timeout="), "\(relays)")
    }

    @Test func `hoststats tell the moment, and escape what a server said`() {
        let stats = lines(failed(), .domains)
        #expect(stats == ["there.example|1699999996|re\\033fused"], "\(stats)")
    }

    @Test func `as JSON each is an object on a line`() {
        let driver = failed()
        for list in RoutingList.allCases {
            for line in lines(driver, list, asJSON: true) { #expect(line.hasPrefix("{\"") && line.hasSuffix("}") && !line.contains("\u{1B}")) }
        }
        #expect(lines(driver, .hosts, asJSON: true) == [#"{"address":"198.51.100.1","name":"a.mx.example","refcount":1,"connections":0,"last_connection":4}"#])
        #expect(lines(driver, .relays, asJSON: true).count == 1)
    }

    @Test func `a relay names the options that are set`() {
        var action = smarthost()
        action.auth = "secrets"
        action.sources = "here"
        action.helo = "mx.example"
        action.keyPair = "mine"
        let url = RelayURL(scheme: .smtps, label: "isp", host: "smtp.isp.example", port: 465)
        #expect(
            RelayKey(destination: .smarthost(url), action: action).listingName
                == "relay:smtp.isp.example,port=465,smtps,auth=secrets:isp,pki_name=mine,mx,sourcetable=here,heloname=mx.example")
        var backup = RelayAction()
        backup.backup = .named("mx2.example")
        #expect(RelayKey(destination: .domain("a.example"), action: backup).listingName == "relay:a.example,port=25,smtp,backup=mx2.example")
    }

    @Test func `what is paused is listed with a star for any`() {
        var driver = Driver()
        _ = driver.router.block(source: ip("192.0.2.1"), domain: nil, now: driver.now)
        _ = driver.router.block(source: nil, domain: "A.example", now: driver.now)
        #expect(lines(driver, .blocks) == ["* -> a.example", "192.0.2.1 -> *"])
        #expect(lines(driver, .blocks, asJSON: true)[0] == #"{"source":null,"domain":"a.example"}"#)
    }
}
