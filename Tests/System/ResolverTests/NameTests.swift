import Testing

@testable import Resolver

func name(_ text: String) -> DNSName { DNSName(Array(text.utf8))! }

@Suite("Names (RFC 1035 sections 2.3 and 3.1, RFC 4343)") struct NameTests {
    @Test func `letters are compared without case, other octets as they are`() {
        #expect(name("MX.Example.ORG") == name("mx.example.org."))
        #expect(name("a[b") != name("a{b"))
        #expect(name("MX.example").description == "mx.example")
    }

    @Test(arguments: ["", ".a", "a..b", "..", "a.."]) func `a label is not empty`(_ text: String) {
        #expect(DNSName(Array(text.utf8)) == nil)
    }

    @Test func `a label has 63 octets at most, a name 255`() {
        let label = String(repeating: "x", count: 63)
        #expect(DNSName(Array(label.utf8)) != nil)
        #expect(DNSName(Array((label + "x").utf8)) == nil)
        // Three labels of 64 octets with their lengths, one of 62, and the end.
        let longest = [label, label, label, String(repeating: "x", count: 61)].joined(separator: ".")
        #expect(DNSName(Array(longest.utf8))?.wire.count == DNSName.maximumLength)
        #expect(DNSName(Array((longest + "x").utf8)) == nil)
        #expect(name(longest).appending(.root) == name(longest))
        #expect(name(longest).appending(name("a")) == nil)
    }

    @Test func `reverse lookup has the octets or their halves backwards`() {
        #expect(DNSName(reverseOf: [192, 0, 2, 1]) == name("1.2.0.192.in-addr.arpa"))
        let address: [UInt8] = [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [0x5A]
        #expect(
            DNSName(reverseOf: address)
                == name("a.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"))
        #expect(DNSName(reverseOf: [1, 2, 3]) == nil)
    }

    @Test(arguments: [
        [Array("a b".utf8)], [Array("a\n".utf8)], [[0x61, 0]], [Array("$(x)".utf8)], [Array("a.b".utf8)], [Array("é".utf8)],
        [Array("-a".utf8)], [Array("a-".utf8)], [],
    ])
    func `a name with other than letters, digits and hyphens is no host's`(_ labels: [[UInt8]]) {
        #expect(DNSName(labels: labels)?.hostName == nil)
    }

    @Test func `a host's name is text`() {
        #expect(name("_sip.A-1.example.").hostName == Array("_sip.a-1.example".utf8))
        #expect(DNSName(labels: [Array("a b".utf8), Array("x".utf8)])?.description == "a\\032b.x")
    }

    @Test func `a name is within those that end it label by label`() {
        #expect(name("a.example.org").isWithin(name("example.org")))
        #expect(name("example.org").isWithin(name("example.org")))
        #expect(!name("anexample.org").isWithin(name("example.org")))
        #expect(name("org").isWithin(.root))
    }
}
