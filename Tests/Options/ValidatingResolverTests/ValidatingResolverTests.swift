#if DNSSEC
import DNSTesting
import EventLoop
import Glibc
import LoopTesting
import Platform
import Resolver
import Testing

@testable import ValidatingResolver

private func name(_ text: String) -> DNSName { DNSName(Array(text.utf8))! }

/// A file that holds the test's anchor until it goes.
private final class AnchorFile: Sendable {
    let path = "/tmp/anchor-\(getpid())-\(UInt32.random(in: 0 ... .max))"

    init() throws {
        let file = try Files.open(path, O_WRONLY | O_CREAT | O_EXCL)
        try Files.writeAll(file, Array(SignedZone.trustAnchor.utf8))
    }

    deinit { unlink(path) }
}

private func settings(_ server: NameServer) -> ResolverSettings {
    var settings = ResolverSettings()
    settings.servers = [server.address]
    return settings
}

private func ask(_ server: NameServer) async throws -> DNSResult {
    let anchor = try AnchorFile()
    let settings = settings(server)
    return try await onLoop {
        let upstream = ValidatingUpstream(trustAnchor: anchor.path)
        upstream.configure(settings)
        return await upstream.ask(DNSQuestion(name("a.example"), .address4))
    }
}

@Suite("Answers that are validated (RFC 4035)", .serialized) struct ValidatingResolverTests {
    @Test func `what is signed as the anchor says is authenticated`() async throws {
        let result = try await ask(NameServer(signedZone: [SignedZone.address, SignedZone.addressSignatureRecord]))
        guard case .found(let answer) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(answer.data == [.address([192, 0, 2, 1])])
        #expect(answer.isAuthenticated)
    }

    @Test func `a forged address is no answer`() async throws {
        let forged = NameServerRecord.a("a.example", "192.0.2.66")
        let result = try await ask(NameServer(signedZone: [forged, SignedZone.addressSignatureRecord]))
        guard case .failed(.bogus(let reason)) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(reason.contains("a.example"))
    }

    @Test func `an answer without the signature it must have is none`() async throws {
        let result = try await ask(NameServer(signedZone: [SignedZone.address]))
        guard case .failed(.bogus) = result else {
            Issue.record("\(result)")
            return
        }
    }

    @Test func `questions that are open when the settings change end`() async throws {
        let anchor = try AnchorFile()
        let silent = NameServer { _ in [] }
        let good = NameServer(signedZone: [SignedZone.address, SignedZone.addressSignatureRecord])
        let (before, after) = (settings(silent), settings(good))
        let results = try await onLoop {
            let upstream = ValidatingUpstream(trustAnchor: anchor.path)
            upstream.configure(before)
            var first: DNSResult?
            spawn { first = await upstream.ask(DNSQuestion(name("a.example"), .address4)) }
            await pause(until: .now() + .milliseconds(50))
            upstream.configure(after)
            let second = await upstream.ask(DNSQuestion(name("a.example"), .address4))
            return (first, second)
        }
        #expect(results.0 == .failed(.unreachable))
        guard case .found(let answer) = results.1 else {
            Issue.record("\(results.1)")
            return
        }
        #expect(answer.isAuthenticated)
    }

    @Test func `silence ends after the time that the settings give`() async throws {
        let anchor = try AnchorFile()
        let silent = NameServer { _ in [] }
        var settings = settings(silent)
        (settings.timeout, settings.attempts) = (1, 1)
        let short = settings
        let result = try await onLoop {
            let upstream = ValidatingUpstream(trustAnchor: anchor.path)
            upstream.configure(short)
            return await upstream.ask(DNSQuestion(name("a.example"), .address4))
        }
        #expect(result == .failed(.timedOut))
        #expect(!silent.queries.isEmpty)
    }

    @Test func `without its anchor nothing is answered`() async throws {
        let settings = settings(NameServer(signedZone: [SignedZone.address]))
        let result = try await onLoop {
            let upstream = ValidatingUpstream(trustAnchor: "/nonexistent")
            upstream.configure(settings)
            return await upstream.ask(DNSQuestion(name("a.example"), .address4))
        }
        guard case .failed = result else {
            Issue.record("\(result)")
            return
        }
    }
}
#endif
