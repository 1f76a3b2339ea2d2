import EventLoop
import Glibc
import LoopTesting
import Platform
import ServerTesting

@testable import TLS

/// Private keys in this very process, in the place of the one that has them in the server.
@EventLoopActor final class LocalKeys: KeyHolder {
    private var keys: [UInt32: PrivateKey] = [:]
    private(set) var signatures = 0
    /// Waits before it signs.
    var delay = Duration.zero
    /// Waits for ``release()`` before it signs.
    var isHeld = false
    private var held: [UnsafeContinuation<Void, Never>] = []
    /// Signs no more.
    var refuses = false

    init() {}

    func release() {
        isHeld = false
        for waiter in held { waiter.resume() }
        held = []
    }

    func add(_ key: PrivateKey, number: UInt32) { keys[number] = key }

    func sign(_ input: SignatureInput, withKey number: UInt32) async -> [UInt8]? {
        signatures += 1
        // A signature is never there at once, since another process makes it.
        await pause(until: .now() + delay)
        if isHeld { await withUnsafeContinuation { held.append($0) } }
        return refuses ? nil : keys[number]?.sign(input)
    }
}

/// A server's side with certificates by name; the key of the n-th has the number n.
@EventLoopActor struct ServerSide {
    let context: TLSServerContext
    let keys: LocalKeys

    init(
        _ names: [String], ciphers: String? = nil, versions: TLSVersions = .all,
        clients: TLSServerSettings.ClientCertificates = .ignored, trusting authority: String = "authority",
        fields: TLSIdentity.FiniteFields = .none, tickets: TicketKeys? = nil, scope: String = "test"
    ) throws {
        let certificates = try TestCertificates.shared.get()
        keys = LocalKeys()
        var identities: [TLSIdentity] = []
        for (index, name) in names.enumerated() {
            keys.add(try certificates.key(name), number: UInt32(index))
            identities.append(TLSIdentity(chain: try certificates.chain(name), key: UInt32(index), finiteFields: fields))
        }
        context = try TLSServerContext(
            TLSServerSettings(
                identities: identities, ciphers: ciphers, versions: versions, clientCertificates: clients,
                trusted: try certificates.trusted(authority), sessionScope: scope),
            keys: keys, ticketKeys: try tickets ?? TicketKeys())
    }
}

/// A client's side.
@EventLoopActor func clientContext(
    _ verification: TLSClientSettings.Verification = .required, trusting authority: String? = "authority",
    ciphers: String? = nil, versions: TLSVersions = .all, certificate: String? = nil
) throws -> TLSClientContext {
    let certificates = try TestCertificates.shared.get()
    let keys = LocalKeys()
    var settings = TLSClientSettings(
        verification: verification, trusted: try authority.map(certificates.trusted), ciphers: ciphers, versions: versions)
    if let certificate {
        keys.add(try certificates.key(certificate), number: 9)
        settings.identity = TLSIdentity(chain: try certificates.chain(certificate), key: 9)
    }
    return try TLSClientContext(settings, keys: keys)
}

/// What both sides make of a connection between them.
struct Meeting: Sendable {
    var server: Result<TLSFacts, TLSFailure>
    var client: Result<TLSFacts, TLSFailure>

    var facts: (server: TLSFacts, client: TLSFacts)? {
        guard case .success(let server) = server, case .success(let client) = client else { return nil }
        return (server, client)
    }
}

/// Two ends of one connection, both still in clear.
@EventLoopActor func streams() throws -> (server: SecurableStream, client: SecurableStream) {
    let pair = try LocalSocket.pair()
    return (SecurableStream(adopting: pair.first), SecurableStream(adopting: pair.second))
}

/// Lets both shake hands at once.
@EventLoopActor func meet(
    _ server: SecurableStream, _ serverContext: TLSServerContext, _ client: SecurableStream, _ clientContext: TLSClientContext,
    host: String = "mail.example.org"
) async -> Meeting {
    let served = Outcome()
    // A side that has failed hangs up, as it would outside of tests.
    spawn {
        let result = await secure(server, .server(serverContext))
        if case .failure = result { server.close() }
        served.set(result)
    }
    let asked = await secure(client, .client(clientContext, host: host))
    if case .failure = asked { client.close() }
    return Meeting(server: await served.value(), client: asked)
}

@EventLoopActor func secure(_ stream: SecurableStream, _ side: SecurableStream.Side) async -> Result<TLSFacts, TLSFailure> {
    do throws(TLSFailure) {
        try await stream.startTLS(side, deadline: .now() + 10)
        guard let facts = stream.facts else { return .failure(.closed) }
        return .success(facts)
    } catch {
        return .failure(error)
    }
}

/// A result that somebody waits for.
@EventLoopActor final class Outcome {
    private var result: Result<TLSFacts, TLSFailure>?
    private var waiter: UnsafeContinuation<Void, Never>?

    init() {}

    func set(_ result: Result<TLSFacts, TLSFailure>) {
        self.result = result
        waiter?.resume()
        waiter = nil
    }

    func value() async -> Result<TLSFacts, TLSFailure> {
        if result == nil { await withUnsafeContinuation { waiter = $0 } }
        return result ?? .failure(.closed)
    }
}
