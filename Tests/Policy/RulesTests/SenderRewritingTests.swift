import Configuration
import Cryptography
import MailSyntax
import SeededTesting
import Testing

@testable import Rules

@Suite("Senders of forwarded mail (SRS)") struct SenderRewritingTests {
    /// Days from 1970 to 2024-01-01.
    private static let day: Int64 = 19_723

    private func scheme(_ key: String = "secret", backup: String? = nil, day: Int64 = day) -> SenderRewritingScheme {
        var settings = SRSSettings(key: key)
        settings.backupKey = backup
        return SenderRewritingScheme(settings, today: day) { Digest.sha1.hash($0) }
    }

    private let domain = mail("x@forward.example").domain

    private func rewritten(_ sender: String, _ scheme: SenderRewritingScheme) -> String {
        scheme.rewritten(mail(sender), inNameOf: domain)?.text ?? "nil"
    }

    @Test func `a sender becomes hash, day, domain and user at our domain`() {
        // The hash was computed by hand: base64 of SHA-1 of key and rest, four letters of it.
        #expect(rewritten("ada@example.net", scheme()) == "SRS0=Mjsn=IL=example.net=ada@forward.example")
    }

    @Test func `what was rewritten elsewhere names its first forwarder, and no later one`() {
        let other = mail("x@second.example").domain
        let first = mail("SRS0=HHHH=TT=example.net=ada@First.example")
        let second = scheme().rewritten(first, inNameOf: other)
        #expect(second?.text == "SRS1=Mbbj=first.example==HHHH=TT=example.net=ada@second.example")
        let third = second.flatMap { scheme("another").rewritten($0, inNameOf: domain) }
        #expect(third?.text.hasSuffix("=first.example==HHHH=TT=example.net=ada@forward.example") == true)
        #expect(third.flatMap { scheme("another").original(of: $0) }?.text == "SRS0=HHHH=TT=example.net=ada@first.example")
    }

    @Test(arguments: ["SRS0=", "srs0+", "Srs0-"]) func `the separator that another server chose stays`(_ start: String) {
        let sender = mail("\(start)HHHH=TT=example.net=ada@first.example")
        let back = scheme().rewritten(sender, inNameOf: domain).flatMap { scheme().original(of: $0) }
        #expect(back?.text == "SRS0\(start.last!)HHHH=TT=example.net=ada@first.example")
    }

    @Test(arguments: ["ada@example.net", "a=b=c@example.net", "\"a b\"@example.net", "SRS0@example.net", "SRS1=x@example.net", "ada@[192.0.2.1]"])
    func `the way back leads to the sender`(_ sender: String) {
        let address = MailAddress(
            mail(sender.replacing("\"", with: "")).localPart, at: mail(sender).domain)
        let there = scheme().rewritten(address, inNameOf: domain)
        #expect(there.flatMap { scheme().original(of: $0) } == address)
        #expect(there.flatMap { scheme("other").original(of: $0) } == nil)
    }

    @Test func `what went out twice comes back twice`() throws {
        let once = try #require(scheme().rewritten(mail("ada@example.net"), inNameOf: domain))
        let twice = try #require(scheme().rewritten(once, inNameOf: domain))
        #expect(twice.localPart.text.hasPrefix("SRS1="))
        #expect(scheme().original(of: twice) == mail("ada@example.net"))
    }

    @Test func `the backup key is good for the way back alone`() throws {
        let old = try #require(scheme("old").rewritten(mail("ada@example.net"), inNameOf: domain))
        #expect(scheme("new", backup: "old").original(of: old) == mail("ada@example.net"))
        #expect(rewritten("ada@example.net", scheme("new", backup: "old")) == rewritten("ada@example.net", scheme("new")))
    }

    @Test(arguments: [(-2, false), (-1, true), (0, true), (4, true), (5, false), (1_023, true), (1_024, true), (1_029, false)])
    func `an address lives for four days, and one day ahead`(_ later: Int64, _ isAccepted: Bool) throws {
        for day in [Self.day, 1_023, 1_024, 0] {
            let address = try #require(scheme(day: day).rewritten(mail("ada@example.net"), inNameOf: domain))
            #expect((scheme(day: day + later).original(of: address) != nil) == isAccepted)
        }
    }

    @Test func `no letter of it can be changed but those whose case means nothing`() {
        let good = Array("SRS0=Mjsn=IL=example.net=ada@forward.example".utf8)
        for index in good.indices where good[index] != UInt8(ascii: "@") {
            var bytes = good
            bytes[index] = bytes[index] == UInt8(ascii: "x") ? UInt8(ascii: "y") : UInt8(ascii: "x")
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(scheme().original(of: mail(text)) == nil, "\(text)")
        }
        #expect(scheme().original(of: mail("srs0=Mjsn=IL=example.net=ada@Forward.EXAMPLE")) == mail("ada@example.net"))
    }

    @Test func `what would be too long is not rewritten`() {
        #expect(rewritten(String(repeating: "a", count: 230) + "@example.net", scheme()) != "nil")
        #expect(rewritten(String(repeating: "a", count: 231) + "@example.net", scheme()) == "nil")
    }

    @Test func `hostile local parts are no addresses of ours, and do no harm`() {
        var generator = SplitMix64(seed: 11)
        let letters = Array("SRSsrs01=+-@ABab27".utf8).filter { $0 != UInt8(ascii: "@") }
        for _ in 0..<20_000 {
            var bytes = Bool.random(using: &generator) ? Array("SRS0=".utf8) : Array("SRS1=".utf8)
            for _ in 0..<Int.random(in: 0...40, using: &generator) { bytes.append(letters.randomElement(using: &generator)!) }
            let address = mail(String(decoding: bytes, as: UTF8.self) + "@example.net")
            #expect(scheme().original(of: address) == nil)
            let back = scheme().rewritten(address, inNameOf: domain).flatMap { scheme().original(of: $0) }
            #expect(back != nil)
        }
    }

    // MARK: Expansion

    private func world() -> World {
        var world = World()
        world.action(local("local", .mbox))
        world.action(Action(name: "out", kind: .relay(RelayAction())))
        world.rules = [rule(1, "local") { $0.from = Condition(.any) }, rule(2, "out") { $0.destination = Condition(.any) }]
        world.list("<localnames>", "localhost", "forward.example")
        world.senderRewriting = scheme()
        return world
    }

    @Test func `a report goes back to the sender, from wherever it comes`() {
        var world = world()
        let address = "SRS0=Mjsn=IL=example.net=ada@forward.example"
        let stranger = network("192.0.2.1")
        #expect(world.outcome(address, from: subject(from: stranger, sender: "", to: address)) == ["out:relay for ada@example.net"])
    }

    @Test func `nothing but a report does`() {
        var world = world()
        let address = "SRS0=Mjsn=IL=example.net=ada@forward.example"
        let stranger = network("192.0.2.1")
        #expect(world.outcome(address, from: subject(from: stranger, sender: "eve@example.com", to: address)) == ["550 5.1.1"])
        let forged = "SRS0=Mjso=IL=example.net=ada@forward.example"
        #expect(world.outcome(forged, from: subject(from: stranger, sender: "", to: forged)) == ["550 5.1.1"])
        world.senderRewriting = nil
        #expect(world.outcome(address, from: subject(from: stranger, sender: "", to: address)) == ["550 5.1.1"])
    }
}
