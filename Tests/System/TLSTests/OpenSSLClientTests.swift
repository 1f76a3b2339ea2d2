import EventLoop
import Glibc
import LoopTesting
import Platform
import ServerTesting
import Testing

@testable import TLS

@Suite("What openssl s_client makes of it") struct OpenSSLClientTests {
    @Test(arguments: [
        ("-tls1_2", "mail", "New, TLSv1.2, Cipher is ECDHE-RSA-"), ("-tls1_2", "curve", "New, TLSv1.2, Cipher is ECDHE-ECDSA-"),
        ("-tls1_3", "mail", "New, TLSv1.3, Cipher is TLS_"), ("-tls1_3", "curve", "New, TLSv1.3, Cipher is TLS_"),
    ])
    func `TLS 1.2 and 1.3 with either kind of key`(_ version: String, _ name: String, _ line: String) async throws {
        let server = try await TLSServer.start([name])
        let run = try await server.client([version, "-CAfile", try TestCertificates.shared.get().path("authority.pem")])
        #expect(run.output.contains(line), "\(run)")
        #expect(run.output.contains("Verify return code: 0 (ok)"))
        #expect(run.output.contains("hello from the server"))
    }

    @Test(arguments: ["-tls1_1", "-tls1"])
    func `older protocols are refused`(_ version: String) async throws {
        let server = try await TLSServer.start(["mail"])
        let run = try await server.client([version, "-cipher", "ALL:@SECLEVEL=0"])
        #expect(run.output.contains("Cipher is (NONE)") && run.code != 0)
        guard case .failure(.handshake)? = await server.facts.last else { return #expect(Bool(false), "\(run)") }
    }

    @Test(arguments: ["AES256-GCM-SHA384", "AES128-SHA", "kRSA", "ADH:@SECLEVEL=0", "DHE-RSA-AES256-GCM-SHA384"])
    func `no cipher without forward secrecy and authentication, and no finite fields unless asked`(_ cipher: String) async throws {
        let server = try await TLSServer.start(["mail"])
        let run = try await server.client(["-tls1_2", "-cipher", cipher])
        #expect(run.output.contains("Cipher is (NONE)"), "\(run)")
    }

    @Test(arguments: [("-tls1_2", "Reused, TLSv1.2"), ("-tls1_3", "Reused, TLSv1.3")])
    func `a session is resumed by its ticket`(_ version: String, _ line: String) async throws {
        let server = try await TLSServer.start(["mail"])
        let file = try TestCertificates.shared.get().path("session\(version)")
        _ = try await server.client([version, "-sess_out", file])
        let run = try await server.client([version, "-sess_in", file])
        #expect(run.output.contains(line), "\(run)")
        let facts = await server.facts
        #expect(try facts.map { try $0.get().isResumed } == [false, true])
        #expect(await server.signatures == 1)
    }

    @Test func `without tickets too, from the server's memory`() async throws {
        let server = try await TLSServer.start(["mail"])
        let file = try TestCertificates.shared.get().path("session.plain")
        _ = try await server.client(["-tls1_2", "-no_ticket", "-sess_out", file])
        let run = try await server.client(["-tls1_2", "-no_ticket", "-sess_in", file])
        #expect(run.output.contains("Reused, TLSv1.2"), "\(run)")
    }

    @Test func `tickets outlive the context they came from, as long as their keys do`() async throws {
        let file = try TestCertificates.shared.get().path("session.kept")
        let first = try await TLSServer.start(["mail"])
        _ = try await first.client(["-tls1_3", "-sess_out", file])
        let second = try await TLSServer.start(["mail"], ticketsOf: first)
        #expect(try await second.client(["-tls1_3", "-sess_in", file]).output.contains("Reused, TLSv1.3"))
        let stranger = try await TLSServer.start(["mail"])
        #expect(try await stranger.client(["-tls1_3", "-sess_in", file]).output.contains("New, TLSv1.3"))
    }
}

/// A server on a port of its own that greets each secured client and hangs up.
@EventLoopActor final class TLSServer {
    private(set) var facts: [Result<TLSFacts, TLSFailure>] = []
    private let side: ServerSide
    private let tickets: TicketKeys
    private var acceptor: Acceptor?
    let port: UInt16

    /// The loop, on which the object lives, is started first.
    nonisolated static func start(
        _ names: [String], ticketsOf other: TLSServer? = nil
    ) async throws -> TLSServer {
        try await start(ticketsOf: other) { try ServerSide(names, tickets: $0) }
    }

    /// On terms of the caller's.
    nonisolated static func start(
        ticketsOf other: TLSServer? = nil, _ side: @escaping @EventLoopActor @Sendable (TicketKeys) throws -> ServerSide
    ) async throws -> TLSServer {
        try await onLoop { try TLSServer(other?.tickets ?? TicketKeys(), side) }
    }

    private init(_ tickets: TicketKeys, _ side: @EventLoopActor (TicketKeys) throws -> ServerSide) throws {
        self.tickets = tickets
        self.side = try side(tickets)
        port = try Server.freePort()
        // The octets are four.
        let listener = try ListeningSocket.internet(SocketAddress(octets: [127, 0, 0, 1], port: port)!)
        acceptor = try Acceptor(adopting: listener) { [unowned self] connection, _ in serve(connection) }
    }

    isolated deinit { acceptor?.close() }

    var signatures: Int { side.keys.signatures }

    private func serve(_ connection: consuming OwnedDescriptor) {
        let stream = SecurableStream(adopting: connection)
        spawn { [self] in
            let result = await secure(stream, .server(side.context))
            facts.append(result)
            if case .success = result {
                _ = await stream.write(Array("hello from the server\n".utf8), deadline: .now() + 5)
            }
            stream.close()
        }
    }

    nonisolated func client(_ options: [String]) async throws -> Programs.Run {
        try openssl(
            ["s_client", "-connect", "127.0.0.1:\(port)", "-servername", "mail.example.org"]
                + ["-ign_eof"] + options, failing: true)
    }
}
