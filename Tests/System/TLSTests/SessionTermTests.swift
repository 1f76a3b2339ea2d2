import EventLoop
import LoopTesting
import ServerTesting
import Testing

@testable import TLS

@Suite("A session is resumed on the terms on which it was made, and no others") struct SessionTermTests {
    /// What can change between a session and the next.
    enum Change: CaseIterable {
        case scope, certificate, anotherCertificate, ciphers, versions, clients, authority
    }

    @EventLoopActor private static func side(_ change: Change?, _ tickets: TicketKeys) throws -> ServerSide {
        switch change {
        case nil: try ServerSide(["mail"], clients: .requested, tickets: tickets)
        case .scope: try ServerSide(["mail"], clients: .requested, tickets: tickets, scope: "elsewhere")
        case .certificate: try ServerSide(["curve"], clients: .requested, tickets: tickets)
        case .anotherCertificate: try ServerSide(["mail", "other"], clients: .requested, tickets: tickets)
        case .ciphers: try ServerSide(["mail"], ciphers: "HIGH", clients: .requested, tickets: tickets)
        case .versions: try ServerSide(["mail"], versions: .v1_2, clients: .requested, tickets: tickets)
        case .clients: try ServerSide(["mail"], clients: .required, tickets: tickets)
        case .authority: try ServerSide(["mail"], clients: .requested, trusting: "stranger", tickets: tickets)
        }
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func `a ticket is worth nothing once the terms have changed`(_ version: String) async throws {
        let certificates = try TestCertificates.shared.get()
        let file = certificates.path("session.terms\(version)")
        let options = [version, "-cert", certificates.path("client.pem"), "-key", certificates.path("client.key")]
        let before = try await TLSServer.start { try Self.side(nil, $0) }
        _ = try await before.client(options + ["-sess_out", file])
        for change in [nil] + Change.allCases where change != .versions || version == "-tls1_2" {
            let after = try await TLSServer.start(ticketsOf: before) { try Self.side(change, $0) }
            let run = try await after.client(options + ["-sess_in", file])
            #expect(run.output.contains(change == nil ? "Reused, TLSv1." : "New, TLSv1."), "\(String(describing: change)): \(run)")
            let facts = try #require(await after.facts.last).get()
            #expect(facts.isResumed == (change == nil), "\(String(describing: change))")
            // Resumed, it would still be what the former authority said.
            #expect(facts.isPeerVerified == (change != .authority))
        }
    }
}
