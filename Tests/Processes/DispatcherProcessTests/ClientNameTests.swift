import EventLoop
import LoopTesting
import MailSyntax
import ProcessMessages
import SMTPProtocol
import Testing

@testable import DispatcherProcess

/// Holds every question until it is told the answer.
@EventLoopActor private final class Oracle {
    private(set) var asked: [IPAddress] = []
    private var waiting: [UnsafeContinuation<ReverseNameVerdict?, Never>] = []

    func ask(_ address: IPAddress) async -> ReverseNameVerdict? {
        asked.append(address)
        return await withUnsafeContinuation { waiting.append($0) }
    }

    func answer(_ verdict: ReverseNameVerdict?) {
        let waiting = self.waiting
        self.waiting = []
        for continuation in waiting { continuation.resume(returning: verdict) }
    }
}

private let client = IPAddress.v4(0xC000_0207)
// A text that is a domain.
private let domain = try! Domain(validating: Array("mail.client.example".utf8))

@Suite("Names of clients") struct ClientNameTests {
    @Test func `sessions of one client wait for one question, and later ones for none`() async throws {
        let (names, asked, later) = try await onLoop {
            let oracle = Oracle()
            let names = ClientNames(patience: .seconds(60)) { await oracle.ask($0) }
            var found: [ClientNames.Name] = []
            for _ in 0..<3 { spawn { found.append(await names.name(of: client)) } }
            while oracle.asked.isEmpty { await Task.yield() }
            oracle.answer(.found(domain, .confirmed))
            while found.count < 3 { await Task.yield() }
            return (found, oracle.asked, names.known(client))
        }
        let expected = ClientNames.Name(text: "mail.client.example", confirmation: .confirmed)
        #expect(names == [expected, expected, expected])
        #expect(asked == [client])
        #expect(later == expected)
    }

    @Test func `without an answer there is no name, and one that was not confirmed is said to be so`() async throws {
        func name(_ verdict: ReverseNameVerdict?) async throws -> ClientNames.Name {
            try await onLoop { await ClientNames { _ in verdict }.name(of: client) }
        }
        #expect(try await name(.missing) == ClientNames.Name(text: "<unknown>", confirmation: .unconfirmed))
        #expect(try await name(.failed("timed out")) == .undecided)
        #expect(try await name(nil) == .undecided)
        #expect(try await name(.found(domain, .unconfirmed)) == ClientNames.Name(text: domain.text, confirmation: .unconfirmed))
    }

    @Test func `nobody waits longer than patience lasts, and the answer still counts when it comes`() async throws {
        let (first, second, last) = try await onLoop {
            let oracle = Oracle()
            let names = ClientNames(patience: .milliseconds(20)) { await oracle.ask($0) }
            let first = await names.name(of: client)
            let second = await names.name(of: client)
            oracle.answer(.found(domain, .confirmed))
            while names.known(client) == nil { await Task.yield() }
            return (first, second, await names.name(of: client))
        }
        #expect(first == .undecided)
        #expect(second == .undecided)
        #expect(last.text == domain.text)
    }
}
