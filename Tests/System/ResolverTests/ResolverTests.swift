import DNSTesting
import EventLoop
import Glibc
import LoopTesting
import Platform
import Testing

@testable import Resolver

/// A directory with the two files, removed at the end.
private final class Scratch: Sendable {
    let path: String

    init(settings: String, hosts: String = "") throws {
        var template = Array("/tmp/resolver-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try write(settings, to: "resolv.conf")
        try write(hosts, to: "hosts")
    }

    func write(_ text: String, to name: String) throws {
        let file = try Files.open(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC)
        try Files.writeAll(file, Array(text.utf8))
    }

    @EventLoopActor func resolver(clock: @escaping @EventLoopActor () -> MonotonicInstant = { .now() }) -> Resolver {
        Resolver(
            files: ResolverFiles(settings: path + "/resolv.conf", hosts: path + "/hosts"), upstream: ServerUpstream(),
            clock: clock)
    }

    deinit {
        for name in ["/resolv.conf", "/hosts"] { unlink(path + name) }
        rmdir(path)
    }
}

/// A clock that a test sets.
@EventLoopActor private final class Clock {
    var seconds: Int64 = 1_000
    var now: MonotonicInstant { MonotonicInstant(nanoseconds: seconds * 1_000_000_000) }
}

private let zone: [NameServerRecord] = [
    .a("a.example", "192.0.2.1", timeToLive: 30), .aaaa("a.example", [UInt8](1...16)), .a("four.example", "192.0.2.4"),
    .a("short.search.example", "192.0.2.7"), .a("b.c.second.example", "192.0.2.8"), .ptr("1.2.0.192.in-addr.arpa", "a.example"),
    .txt("text.example", ["hello"]), .cname("alias.example", "a.example"),
]

@Suite("The resolver") struct ResolverTests {
    @Test func `equal questions at once are asked once, and later ones are remembered`() async throws {
        let server = NameServer(zone: zone)
        let scratch = try Scratch(settings: server.line)
        let counts = try await onLoop {
            let clock = Clock()
            let resolver = scratch.resolver { clock.now }
            let inquiries = (0..<50).map { _ in resolver.inquire(name("a.example"), .address4) }
            for inquiry in inquiries { _ = await inquiry.value() }
            var counts = [server.queries.count]
            clock.seconds += 29
            _ = await resolver.resolve(name("A.example"), .address4)
            counts.append(server.queries.count)
            clock.seconds += 1
            _ = await resolver.resolve(name("a.example"), .address4)
            counts.append(server.queries.count)
            return counts
        }
        #expect(counts == [1, 1, 2])
    }

    @Test func `hundreds of questions at once are answered`() async throws {
        let server = NameServer { [$0.reply(answers: [.a($0.name, "192.0.2.1")])] }
        let scratch = try Scratch(settings: server.line)
        let answered = try await onLoop {
            let resolver = scratch.resolver()
            let inquiries = (0..<600).map { resolver.inquire(name("n\($0).example"), .address4) }
            var answered = 0
            for inquiry in inquiries {
                if case .found = await inquiry.value() { answered += 1 }
            }
            return answered
        }
        #expect(answered == 600)
    }

    @Test func `beyond the limit questions fail at once`() async throws {
        let results = try await onLoop {
            let upstream = HeldUpstream()
            let resolver = Resolver(files: ResolverFiles(settings: "/nonexistent", hosts: "/nonexistent"), upstream: upstream)
            let limit = Resolver.maximumOpen + Resolver.maximumWaiting
            let inquiries = (0...limit).map { resolver.inquire(name("n\($0).example"), .address4) }
            let refused = await inquiries[limit].value()
            await Task.yield()
            let open = upstream.open
            upstream.release()
            var answered = 0
            for inquiry in inquiries[..<limit] {
                if await inquiry.value() == .noData(timeToLive: 1) { answered += 1 }
            }
            return (refused, open, answered == limit, upstream.most)
        }
        #expect(results.0 == .failed(.overloaded))
        #expect(results.1 == Resolver.maximumOpen)
        #expect(results.2)
        #expect(results.3 == Resolver.maximumOpen)
    }

    @Test func `a host has the addresses of both families, and of one when the other fails`() async throws {
        let server = NameServer { $0.type == 28 && $0.name.lowercased() == "four.example" ? [$0.reply(code: 2)] : [$0.reply(from: zone)] }
        let scratch = try Scratch(settings: server.line)
        let results = try await onLoop {
            let resolver = scratch.resolver()
            return [
                await resolver.inquire(addressesOf: name("alias.example")).value(), await resolver.inquire(addressesOf: name("four.example")).value(),
                await resolver.inquire(addressesOf: name("text.example")).value(), await resolver.inquire(addressesOf: name("none.example")).value(),
            ]
        }
        #expect(
            results == [
                .found([[UInt8](1...16), [192, 0, 2, 1]], isAuthenticated: false), .found([[192, 0, 2, 4]], isAuthenticated: false),
                .missing(hostExists: true), .missing(hostExists: false),
            ])
    }

    @Test func `a failure of one family without an address of the other is a failure`() async throws {
        let server = NameServer { $0.type == 28 ? [$0.reply(code: 2)] : [$0.reply(authority: [.soa("example", minimum: 9)])] }
        let scratch = try Scratch(settings: server.line)
        let result = try await onLoop { await scratch.resolver().inquire(addressesOf: name("a.example")).value() }
        #expect(result == .failed(.serverFailure))
    }

    @Test func `hosts are known without a packet, in both directions`() async throws {
        let server = NameServer { _ in [] }
        let scratch = try Scratch(settings: server.line, hosts: "192.0.2.9 known.example known\n")
        let results = try await onLoop {
            let resolver = scratch.resolver()
            return [
                await resolver.names(of: [192, 0, 2, 9]) == .found(DNSAnswer([.pointer(name("known.example")), .pointer(name("known"))], owner: name("known.example"), timeToLive: 0, isAuthenticated: false)),
                await resolver.inquire(addressesOf: name("known.example")).value() == .found([[192, 0, 2, 9]], isAuthenticated: false),
                await resolver.addresses(ofWritten: Array("KNOWN".utf8)) == .found([[192, 0, 2, 9]], isAuthenticated: false),
                await resolver.names(of: [127, 0, 0, 1]) == .found(DNSAnswer([.pointer(name("localhost"))], owner: name("localhost"), timeToLive: 0, isAuthenticated: false)),
            ]
        }
        #expect(results == [true, true, true, true])
        #expect(server.queries.isEmpty)
    }

    @Test func `short names are tried with the search list, long ones as they are first`() async throws {
        let server = NameServer(zone: zone)
        let scratch = try Scratch(settings: server.line + "search search.example second.example\noptions no-aaaa\n")
        let results = try await onLoop {
            let resolver = scratch.resolver()
            return [
                await resolver.addresses(ofWritten: Array("short".utf8)), await resolver.addresses(ofWritten: Array("b.c".utf8)),
                await resolver.addresses(ofWritten: Array("short.".utf8)), await resolver.addresses(ofWritten: Array("a..b".utf8)),
            ]
        }
        #expect(
            results == [
                .found([[192, 0, 2, 7]], isAuthenticated: false), .found([[192, 0, 2, 8]], isAuthenticated: false),
                .missing(hostExists: false), .missing(hostExists: false),
            ])
        #expect(
            server.queries.map { $0.name.lowercased() } == [
                "short.search.example", "b.c", "b.c.search.example", "b.c.second.example", "short",
            ])
    }

    @Test func `a failure ends the search`() async throws {
        let server = NameServer { $0.name.lowercased() == "short.first.example" ? [$0.reply(code: 2)] : [$0.reply(from: zone)] }
        let scratch = try Scratch(settings: server.line + "search first.example search.example\n")
        let result = try await onLoop { await scratch.resolver().addresses(ofWritten: Array("short".utf8)) }
        #expect(result == .failed(.serverFailure))
    }

    @Test func `an address has a name by reverse lookup`() async throws {
        let server = NameServer(zone: zone)
        let scratch = try Scratch(settings: server.line)
        let results = try await onLoop {
            let resolver = scratch.resolver()
            return [await resolver.names(of: [192, 0, 2, 1]), await resolver.names(of: [192, 0, 2, 2])]
        }
        #expect(results[0] == .found(DNSAnswer([.pointer(name("a.example"))], owner: name("1.2.0.192.in-addr.arpa"), timeToLive: 300, isAuthenticated: false)))
        #expect(results[1] == .noSuchName(timeToLive: 60))
    }

    @Test func `changed files are taken up within a second, and what was remembered of another network is not`() async throws {
        let first = NameServer(zone: [.a("a.example", "192.0.2.1")])
        let second = NameServer(zone: [.a("a.example", "192.0.2.2")])
        let scratch = try Scratch(settings: first.line)
        let results = try await onLoop {
            let clock = Clock()
            let resolver = scratch.resolver { clock.now }
            var results = [await resolver.resolve(name("a.example"), .address4)]
            try scratch.write("# changed\n" + second.line, to: "resolv.conf")
            results.append(await resolver.resolve(name("a.example"), .address4))
            clock.seconds += 1
            results.append(await resolver.resolve(name("a.example"), .address4))
            try scratch.write("192.0.2.3 a.example\n", to: "hosts")
            clock.seconds += 1
            let addresses = await resolver.inquire(addressesOf: name("a.example")).value()
            return (results, addresses)
        }
        let octets = results.0.map { result -> UInt8 in
            guard case .found(let answer) = result, case .address(let octets) = answer.data[0] else { return 0 }
            return octets[3]
        }
        #expect(octets == [1, 1, 2])
        #expect(results.1 == .found([[192, 0, 2, 3]], isAuthenticated: false))
    }

    @Test func `files that are missing, directories or pipes are taken for empty ones`() async throws {
        let scratch = try Scratch(settings: "")
        let pipe = scratch.path + "/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        defer { unlink(pipe) }
        for path in ["/nonexistent", "/tmp", pipe] {
            let files = ResolverFiles(settings: path, hosts: path)
            #expect(files.settings == ResolverSettings())
            #expect(!files.refresh())
        }
    }
}

/// Answers nothing until it is told to.
@EventLoopActor private final class HeldUpstream: DNSUpstream {
    private var waiting: [UnsafeContinuation<Void, Never>] = []
    private var isReleased = false
    private(set) var open = 0
    private(set) var most = 0

    func configure(_ settings: ResolverSettings) {}

    func ask(_ question: DNSQuestion) async -> DNSResult {
        open += 1
        most = max(most, open)
        if !isReleased { await withUnsafeContinuation { waiting.append($0) } }
        open -= 1
        return .noData(timeToLive: 1)
    }

    func release() {
        isReleased = true
        for continuation in waiting { continuation.resume() }
        waiting = []
    }
}
