import Platform
import SeededTesting
import Testing

@testable import Resolver

private func settings(_ text: String) -> ResolverSettings {
    ResolverSettings(Array(text.utf8)) { $0 == "eth0" ? 3 : UInt32($0) }
}

private func server(_ text: String, port: UInt16 = 53) -> SocketAddress { SocketAddress(numeric: text, port: port)! }

@Suite("resolv.conf(5)") struct ResolverSettingsTests {
    @Test func `without a file there is a server on this machine`() {
        let empty = settings("")
        #expect(empty.servers == [server("127.0.0.1")])
        #expect((empty.timeout, empty.attempts, empty.dots) == (5, 2, 1))
        #expect(empty.search == [])
    }

    @Test func `servers, search list and options are read, comments and nonsense passed over`() {
        let all = settings(
            """
            # a comment
            ; another
            nameserver 192.0.2.1
            nameserver\t2001:db8::53 ; the second
            nameserver nonsense
            nameserver
            domain old.example
            search Example.org  a.example .
            sortlist 192.0.2.0
            options timeout:2 attempts:3 ndots:2 rotate edns0 use-vc no-aaaa trust-ad unknown unknown:1 timeout:x
            """)
        #expect(all.servers == [server("192.0.2.1"), server("2001:db8::53")])
        #expect(all.search == [name("example.org"), name("a.example")])
        #expect((all.timeout, all.attempts, all.dots) == (2, 3, 2))
        #expect(all.rotates && all.usesTCP && all.skipsIPv6 && all.trustsAuthenticity)
    }

    @Test func `the last of domain and search holds`() {
        #expect(settings("search a.example b.example\ndomain c.example x\n").search == [name("c.example")])
    }

    @Test func `options have the limits of the page`() {
        let most = settings("options timeout:99 attempts:99 ndots:99")
        #expect((most.timeout, most.attempts, most.dots) == (30, 5, 15))
        let least = settings("options timeout:0 attempts:0 ndots:0")
        #expect((least.timeout, least.attempts, least.dots) == (1, 1, 0))
        #expect(settings("options timeout:-1 attempts:99999999999999999999").timeout == 5)
    }

    @Test func `a server may have a port, and a link-local one an interface`() {
        #expect(settings("nameserver [192.0.2.1]:5353").servers == [server("192.0.2.1", port: 5353)])
        #expect(settings("nameserver [2001:db8::1]").servers == [server("2001:db8::1")])
        let link = server("fe80::1").octets
        #expect(settings("nameserver fe80::1%eth0").servers == [.ipv6(link, port: 53, scope: 3)])
        for wrong in ["[192.0.2.1]:0", "[192.0.2.1]:x", "[192.0.2.1]53", "192.0.2.1%eth0", "fe80::1%none", "[", "[]", "]["] {
            #expect(settings("nameserver " + wrong).servers == [server("127.0.0.1")], "\(wrong)")
        }
    }

    @Test func `lists and the file itself are cut at their limits`() {
        let many = (1...9).map { "nameserver 192.0.2.\($0)\n" }.joined()
        #expect(settings(many).servers.count == ResolverSettings.maximumServers)
        let names = (0...40).map { "n\($0)" }.joined(separator: " ")
        #expect(settings("search " + names).search.count == ResolverSettings.maximumSearch)
        let late = String(repeating: "#", count: ResolverSettings.maximumFile) + "\nnameserver 192.0.2.1\n"
        #expect(settings(late).servers == [server("127.0.0.1")])
    }

    @Test func `damaged files neither trap nor leave nothing to ask`() {
        var generator = SplitMix64(seed: 7)
        let whole = Array("nameserver [192.0.2.1]:53\nsearch a b\noptions ndots:1 timeout:3\nnameserver fe80::1%eth0\n".utf8)
        for _ in 0..<3_000 {
            var damaged = whole
            for _ in 0..<4 {
                let index = Int.random(in: 0..<damaged.count, using: &generator)
                damaged[index] = UInt8.random(in: 0...255, using: &generator)
            }
            #expect(!ResolverSettings(damaged).servers.isEmpty)
            _ = HostsFile(damaged)
        }
    }
}

@Suite("hosts(5)") struct HostsFileTests {
    private let hosts = HostsFile(
        Array(
            """
            127.0.0.1 localhost
            192.0.2.1  mx.example.org MX  # the server
            2001:db8::1\tmx.example.org
            192.0.2.2 mx
            nonsense mx
            192.0.2.300 mx
            127.0.1.1 machine.example machine
            """.utf8))

    @Test func `a host has the addresses of all lines, whatever its case`() {
        #expect(hosts.addresses(of: name("MX.example.org")) == [[192, 0, 2, 1], server("2001:db8::1").octets])
        #expect(hosts.addresses(of: name("mx")) == [[192, 0, 2, 1], [192, 0, 2, 2]])
        #expect(hosts.addresses(of: name("other.example")) == nil)
    }

    @Test func `an address has the names of its lines, the proper one first`() {
        #expect(hosts.names(of: [192, 0, 2, 1]) == [name("mx.example.org"), name("mx")])
        #expect(hosts.names(of: [127, 0, 1, 1]) == [name("machine.example"), name("machine")])
        #expect(hosts.names(of: [192, 0, 2, 9]) == nil)
    }

    @Test func `localhost is this machine, without a file and below it too (RFC 6761 section 6.3)`() {
        let loopback: [[UInt8]] = [server("::1").octets, [127, 0, 0, 1]]
        #expect(HostsFile().addresses(of: name("localhost")) == loopback)
        #expect(HostsFile().addresses(of: name("a.LOCALHOST")) == loopback)
        #expect(hosts.addresses(of: name("localhost")) == [[127, 0, 0, 1]])
        #expect(HostsFile().names(of: [127, 9, 9, 9]) == [name("localhost")])
        #expect(HostsFile().names(of: server("::1").octets) == [name("localhost")])
        #expect(HostsFile().addresses(of: name("notlocalhost")) == nil)
    }
}
