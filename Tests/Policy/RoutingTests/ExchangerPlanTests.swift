import Configuration
import Envelopes
import MailSyntax
import Testing

@testable import Routing

@Suite("Mail exchangers (RFC 5321 section 5.1)") struct ExchangerPlanTests {
    private func plan(
        _ lines: [String], isImplicit: Bool = false, families: Listener.Families = .any, backup: String? = nil,
        seed: UInt64 = 1
    ) throws -> ExchangerPlan {
        var random = Shuffling(seed: seed)
        let circumstances = ExchangerPlan.Circumstances(
            families: families, ownNames: ["mx.here.example"], ownAddresses: [ip("192.0.2.1")], backup: backup)
        return try ExchangerPlan(
            exchangers: lines.map(exchanger), isImplicit: isImplicit, domain: "there.example", circumstances, using: &random)
    }

    private func status(_ body: () throws -> ExchangerPlan) -> String? {
        do {
            _ = try body()
            return nil
        } catch let failure as DeliveryFailure {
            return failure.status
        } catch {
            return "\(error)"
        }
    }

    @Test func `are ordered by preference`() throws {
        let plan = try plan(["20 b 198.51.100.2", "10 a 198.51.100.1", "30 c 198.51.100.3"])
        #expect(plan.levels.map { $0.map(\.hostName) } == [["a"], ["b"], ["c"]])
    }

    @Test func `of equal preference are shuffled`() throws {
        let hosts = (1...6).map { "10 h\($0) 198.51.100.\($0)" }
        let firsts = try Set((0..<200).map { try plan(hosts, seed: $0).levels[0][0].hostName })
        #expect(firsts.count == 6)
    }

    @Test func `with both address families take turns, IPv6 first`() throws {
        let plan = try plan(["10 a 198.51.100.1 198.51.100.2 2001:db8::a 2001:db8::b"])
        #expect(plan.levels[0].map(\.address.isV6) == [true, false, true, false])
    }

    @Test func `outside a family limit are left out`() throws {
        let hosts = ["10 a 198.51.100.1 2001:db8::a", "20 b 198.51.100.2"]
        #expect(try plan(hosts, families: .v6).levels.flatMap { $0 }.map(\.address) == [ip("2001:db8::a")])
        #expect(status { try plan(["10 b 198.51.100.2"], families: .v6) } == "4.4.4")
    }

    @Test func `not better than ourselves are left out, whether known by name or by address`() throws {
        for own in ["20 MX.here.example 203.0.113.9", "20 alias.example 192.0.2.1", "20 odd.example 127.0.0.1"] {
            let plan = try plan(["10 a 198.51.100.1", own, "20 b 198.51.100.2", "30 c 198.51.100.3"])
            #expect(plan.levels.flatMap { $0 }.map(\.hostName) == ["a"])
        }
    }

    @Test func `that are ourselves alone are a loop, 5_4_6`() {
        #expect(status { try plan(["10 mx.here.example 203.0.113.9", "20 b 198.51.100.2"]) } == "5.4.6")
        #expect(status { try plan(["0 there.example 192.0.2.1"], isImplicit: true) } == "5.4.6")
        #expect(status { try plan(["0 there.example ::ffff:127.0.0.1"], isImplicit: true) } == "5.4.6")
    }

    @Test func `not better than the one a backup stands in for are left out`() throws {
        let hosts = ["10 a 198.51.100.1", "20 spare.example 203.0.113.9", "30 c 198.51.100.3"]
        #expect(try plan(hosts, backup: "spare.example").levels.flatMap { $0 }.map(\.hostName) == ["a"])
        #expect(try plan(hosts, backup: "elsewhere.example").levels.count == 3)
    }

    @Test func `named localhost alone take no mail`() {
        #expect(status { try plan(["0 localhost 127.0.0.1"]) } == "5.1.10")
    }

    @Test func `without address keep the mail, and a domain without either gives it back`() {
        #expect(status { try plan(["10 a"]) } == "4.4.4")
        #expect(status { try plan(["0 there.example"], isImplicit: true) } == "5.4.4")
    }

    @Test func `whose addresses could not be found out keep the mail`() {
        var random = Shuffling(seed: 1)
        let circumstances = ExchangerPlan.Circumstances(families: .any, ownNames: [], ownAddresses: [], backup: nil)
        let host = Exchanger(preference: 0, host: "there.example", addresses: [], problem: .temporary("no answer"))
        #expect(throws: DeliveryFailure(status: "4.4.3", text: "no answer")) {
            try ExchangerPlan(
                exchangers: [host], isImplicit: true, domain: "there.example", circumstances, using: &random)
        }
    }

    @Test func `are bounded, however many there are`() throws {
        let hosts = (0..<200).map { "\($0) h\($0) 198.51.100.\($0)" }
        #expect(try plan(hosts).levels.count == ExchangerPlan.maximumCandidates)
        let wide = ["10 h " + (0..<200).map { "198.51.100.\($0)" }.joined(separator: " ")]
        #expect(try plan(wide).levels[0].count == ExchangerPlan.maximumCandidates)
    }
}
