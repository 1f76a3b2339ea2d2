import MailSyntax
import SeededTesting
import SenderPolicy
import Testing

@Suite("Records of senders (RFC 7208)") struct SPFRecordTests {
    private func record(_ text: String) -> SPFRecord? { SPFRecord(parsing: Array(text.utf8)) }

    @Test(arguments: [("v=spf1", true), ("v=spf1 -all", true), ("V=SPF1 a", true), ("v=spf10 a", false), ("", false), (" v=spf1", false), ("v=spf2.0/pra", false)])
    func `a record begins with its version and a space or its end`(_ text: String, _ isOne: Bool) {
        #expect((record(text) != nil) == isOne)
    }

    @Test func `mechanisms that let somebody pass are kept in order`() throws {
        let found = try #require(record("v=spf1 ip4:192.0.2.0/24 +ip6:2001:db8::/32 ip4:198.51.100.7 a mx:example.net a:b.example/28//64 mx//60 include:_spf.example.org -all"))
        #expect(
            found.mechanisms == [
                .network(.v4(0xC000_0200), length: 24), .network(.v6(high: 0x2001_0DB8_0000_0000, low: 0), length: 32),
                .network(.v4(0xC633_6407), length: nil), .addresses(domain: nil, length4: nil, length6: nil),
                .exchangers(domain: "example.net", length4: nil, length6: nil),
                .addresses(domain: "b.example", length4: 28, length6: 64), .exchangers(domain: nil, length4: nil, length6: 60),
                .include(domain: "_spf.example.org"),
            ])
        #expect(found.unlisted == [] && found.redirect == nil)
    }

    @Test func `what fails, is soft or neutral names nobody, and nothing stands behind all`() throws {
        let found = try #require(record("v=spf1 -ip4:192.0.2.1 ~a ?mx ~all ip4:192.0.2.2 redirect=example.org"))
        #expect(found.mechanisms == [] && found.redirect == nil && found.unlisted == [])
        #expect(record("v=spf1 +all")?.mechanisms == [.all])
    }

    @Test func `redirect counts where nothing decides`() {
        #expect(record("v=spf1 redirect=_spf.example.org")?.redirect == "_spf.example.org")
        #expect(record("v=spf1 a unknown=x exp=e.example")?.mechanisms.count == 1)
    }

    @Test(arguments: [
        "include:%{i}._spf.example", "exists:%{i}.example", "ptr", "ptr:example.org", "ip4:192.0.2.0/33", "ip4:2001:db8::1", "ip6:192.0.2.1",
        "ip6:2001:db8::/129", "ip4:", "a:", "mx:", "include:", "include", "a/", "a/33", "a//129", "a/24//", "frobnicate", "ip4:1.2.3.4/-1",
        "redirect=%{d}.example",
    ])
    func `what cannot be listed is told of`(_ term: String) throws {
        let found = try #require(record("v=spf1 \(term)"))
        #expect(found.unlisted == [term] && found.mechanisms == [] && found.redirect == nil)
    }

    @Test func `any octets at all end in a record or none`() {
        var random = SplitMix64(seed: 7208)
        let seed = Array("v=spf1 ip4:192.0.2.0/24 a:b.example/28//64 mx include:%{d2} ~all redirect=x".utf8)
        for _ in 0..<5_000 {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: 7..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = SPFRecord(parsing: bytes)
        }
    }
}
