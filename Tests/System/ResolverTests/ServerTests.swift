import DNSTesting
import EventLoop
import Glibc
import LoopTesting
import Platform
import Synchronization
import Testing

@testable import Resolver

/// What the servers answer, asked once each. Whoever is silent on purpose is given up after a second; the others
/// have long, for a busy machine is slow.
private func ask(
    _ servers: [SocketAddress], _ text: String = "a.example", _ type: DNSType = .address4,
    patience: Int = 30,
    configure: @Sendable @escaping (inout ResolverSettings) -> Void = { _ in }
) async throws -> DNSResult {
    try await onLoop {
        let upstream = ServerUpstream()
        var settings = ResolverSettings()
        settings.servers = servers
        settings.timeout = patience
        settings.attempts = 1
        configure(&settings)
        upstream.configure(settings)
        return await upstream.ask(DNSQuestion(name(text), type))
    }
}

private let zone: [NameServerRecord] = [.a("a.example", "192.0.2.1"), .mx("a.example", 10, "mx.a.example")]
private let found = DNSResult.found(
    DNSAnswer([.address([192, 0, 2, 1])], owner: name("a.example"), timeToLive: 300, isAuthenticated: false))

/// A port that nobody listens on.
private func deadServer() throws -> SocketAddress {
    let server = NameServer { _ in [] }
    return .ipv4([127, 0, 0, 2], port: server.port)
}

@Suite("Asking servers (RFC 1035 section 4.2, RFC 5452)") struct ServerTests {
    @Test func `an answer comes over UDP`() async throws {
        let server = NameServer(zone: zone)
        #expect(try await ask([server.address]) == found)
        #expect(try await ask([server.address], "b.example") == .noSuchName(timeToLive: 60))
        #expect(try await ask([server.address], "a.example", .address6) == .noData(timeToLive: 60))
        #expect(server.queries.allSatisfy { !$0.isOverTCP && $0.usesEDNS && !$0.wantsAuthenticity })
    }

    @Test func `a truncated answer is fetched over TCP`() async throws {
        let server = NameServer { query in
            query.isOverTCP ? [query.reply(from: zone)] : [Array(query.reply(isTruncated: true, answers: zone).dropLast(3))]
        }
        #expect(try await ask([server.address]) == found)
        #expect(server.queries.map(\.isOverTCP) == [false, true])
    }

    @Test func `an answer of many kilobytes comes over TCP`() async throws {
        let many = (0..<250).map { NameServerRecord.mx("a.example", UInt16($0), "a-rather-long-name-of-a-host-\($0).a.example") }
        let server = NameServer { $0.isOverTCP ? [$0.reply(answers: many)] : [$0.reply(isTruncated: true)] }
        guard case .found(let answer) = try await ask([server.address], "a.example", .mailExchange) else {
            Issue.record("not found")
            return
        }
        #expect(answer.data.count == 250)
    }

    @Test func `truncation over TCP is nonsense`() async throws {
        let server = NameServer { [$0.reply(isTruncated: true)] }
        #expect(try await ask([server.address]) == .failed(.malformed(.truncated)))
    }

    @Test func `use-vc asks over TCP at once`() async throws {
        let server = NameServer(zone: zone)
        #expect(try await ask([server.address], configure: { $0.usesTCP = true }) == found)
        #expect(server.queries.map(\.isOverTCP) == [true])
    }

    @Test func `forged answers are passed over, the true one is taken`() async throws {
        let server = NameServer { query in
            let lie = query.reply(answers: [.a("a.example", "192.0.2.66")])
            var otherNumber = lie
            otherNumber[1] ^= 1
            var otherName = lie
            otherName[13] = UInt8(ascii: "b")
            var otherType = lie
            otherType[24] = 28
            return [otherNumber, otherName, otherType, [], [1], query.reply(from: zone)]
        }
        #expect(try await ask([server.address]) == found)
    }

    @Test func `capitals that are not the query's lead to TCP, where nobody can forge`() async throws {
        let server = NameServer { query in
            if query.isOverTCP { return [query.reply(from: zone)] }
            var lie = query.reply(answers: [.a("a.example", "192.0.2.66")])
            for index in 12..<23 where isLetter(lie[index]) { lie[index] ^= 0x20 }
            return [lie]
        }
        #expect(try await ask([server.address]) == found)
        #expect(server.queries.map(\.isOverTCP) == [false, true])
    }

    @Test func `a flood of guesses leads to TCP`() async throws {
        let server = NameServer { query in
            if query.isOverTCP { return [query.reply(from: zone)] }
            return (0..<UInt8(20)).map { guess in
                var lie = query.reply(answers: [.a("a.example", "192.0.2.66")])
                lie[0] ^= 0x80
                lie[1] = guess
                return lie
            }
        }
        #expect(try await ask([server.address]) == found)
    }

    @Test func `garbage under the right question is a failure with its reason`() async throws {
        let server = NameServer { query in
            var lie = query.reply()
            lie[7] = 1
            return [lie + [0xC0, 0xFF]]
        }
        #expect(try await ask([server.address]) == .failed(.malformed(.badPointer)))
    }

    @Test func `the next server is asked when one refuses, fails, lies, is not there or is silent`() async throws {
        let good = NameServer(zone: zone)
        let bad: [NameServer] = [
            NameServer { [$0.reply(code: 5)] }, NameServer { [$0.reply(code: 2)] },
            NameServer { [Array($0.reply(answers: zone).dropLast(2))] },
        ]
        for server in bad { #expect(try await ask([server.address, good.address]) == found) }
        let silent = NameServer { _ in [] }
        #expect(try await ask([silent.address, good.address], patience: 1) == found)
        #expect(try await ask([try deadServer(), good.address]) == found)
    }

    @Test func `without any answer the most telling reason is given`() async throws {
        let silent = NameServer { _ in [] }
        let failing = NameServer { [$0.reply(code: 2)] }
        #expect(try await ask([silent.address], patience: 1) == .failed(.timedOut))
        #expect(try await ask([try deadServer()]) == .failed(.unreachable))
        #expect(try await ask([failing.address, silent.address], patience: 1) == .failed(.serverFailure))
        let refusing = NameServer { [$0.reply(code: 5)] }
        #expect(try await ask([refusing.address]) == .failed(.refused))
        #expect(try await ask([]) == .failed(.unreachable))
        // They answer as long as they are held.
        withExtendedLifetime((silent, failing, refusing)) {}
    }

    @Test func `a lost datagram is sent again`() async throws {
        let count = Mutex(0)
        let server = NameServer { query in
            count.withLock { $0 += 1 }
            return count.withLock { $0 } == 1 ? [] : [query.reply(from: zone)]
        }
        #expect(try await ask([server.address], patience: 1, configure: { $0.attempts = 2 }) == found)
        #expect(server.queries.count == 2)
        #expect(server.queries[0].bytes.prefix(2) != server.queries[1].bytes.prefix(2))
    }

    @Test func `a server that does not understand EDNS is asked without`() async throws {
        for code: UInt8 in [1, 4] {
            let server = NameServer { query in query.usesEDNS ? [query.reply(code: code)] : [query.reply(from: zone)] }
            #expect(try await ask([server.address]) == found)
        }
        let terse = NameServer { query in
            query.usesEDNS
                ? [Array(query.bytes.prefix(2)) + [0x81, 0x81, 0, 0, 0, 0, 0, 0, 0, 0]] : [query.reply(from: zone)]
        }
        #expect(try await ask([terse.address]) == found)
        let hopeless = NameServer { [$0.reply(code: 1)] }
        #expect(try await ask([hopeless.address]) == .failed(.errorCode(1)))
        #expect(hopeless.queries.map(\.usesEDNS) == [true, false])
    }

    @Test func `a silent server is asked last for a while`() async throws {
        let silent = NameServer { _ in [] }
        let good = NameServer(zone: zone)
        let (silentAddress, goodAddress) = (silent.address, good.address)
        let results = try await onLoop {
            let upstream = ServerUpstream()
            var settings = ResolverSettings()
            settings.servers = [silentAddress, goodAddress]
            settings.timeout = 1
            upstream.configure(settings)
            return [await upstream.ask(DNSQuestion(name("a.example"), .address4)), await upstream.ask(DNSQuestion(name("a.example"), .address4))]
        }
        #expect(results == [found, found])
        #expect(silent.queries.count == 1)
        #expect(good.queries.count == 2)
    }

    @Test func `servers take turns with rotate`() async throws {
        let servers = [NameServer(zone: zone), NameServer(zone: zone)]
        let addresses = servers.map(\.address)
        try await onLoop {
            let upstream = ServerUpstream()
            var settings = ResolverSettings()
            settings.servers = addresses
            settings.rotates = true
            upstream.configure(settings)
            for _ in 0..<4 { _ = await upstream.ask(DNSQuestion(name("a.example"), .address4)) }
        }
        #expect(servers.map { $0.queries.count } == [2, 2])
    }

    @Test func `with trust-ad the server is asked for its word, and believed`() async throws {
        let server = NameServer { [$0.reply(isAuthentic: $0.wantsAuthenticity, answers: zone)] }
        guard case .found(let answer) = try await ask([server.address], configure: { $0.trustsAuthenticity = true }) else {
            Issue.record("not found")
            return
        }
        #expect(answer.isAuthenticated)
    }
}
