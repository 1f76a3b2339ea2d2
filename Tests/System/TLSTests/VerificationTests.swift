import EventLoop
import LoopTesting
import Testing

@testable import TLS

@Suite("Who the peers are") struct VerificationTests {
    @Test(arguments: [
        ("mail", "mail.example.org", true), ("mail", "SMTP.example.org", true), ("mail", "127.0.0.1", true),
        ("mail", "example.org", false), ("mail", "127.0.0.2", false), ("other", "a.example.net", true),
        ("other", "a.b.example.net", false), ("other", "example.net", true), ("expired", "mail.example.org", false),
    ])
    func `a server's certificate is for the host that was asked for`(_ name: String, _ host: String, _ isGood: Bool) async throws {
        let (strict, lenient) = try await onLoop {
            let (server, client) = try streams()
            let strict = await meet(server, try ServerSide([name]).context, client, try clientContext(), host: host)
            let (server2, client2) = try streams()
            let lenient = await meet(
                server2, try ServerSide([name]).context, client2, try clientContext(.noted), host: host)
            return (strict, lenient)
        }
        switch strict.client {
        case .success(let facts): #expect(isGood && facts.isPeerVerified)
        case .failure(let failure):
            guard case .unverified = failure else { return #expect(Bool(false), "\(failure)") }
            #expect(!isGood)
        }
        let facts = try #require(lenient.facts, "\(lenient)").client
        #expect(facts.isPeerVerified == isGood)
        #expect((facts.verificationProblem == nil) == isGood)
    }

    @Test func `an authority that nobody trusts verifies nothing`() async throws {
        let (stranger, nobody) = try await onLoop {
            let (server, client) = try streams()
            let context = try ServerSide(["mail"]).context
            let stranger = await meet(server, context, client, try clientContext(trusting: "stranger"))
            let (server2, client2) = try streams()
            let nobody = await meet(server2, context, client2, try clientContext(.noted, trusting: nil))
            return (stranger, nobody)
        }
        guard case .failure(.unverified) = stranger.client else { return #expect(Bool(false), "\(stranger)") }
        #expect(try #require(nobody.facts).client.isPeerVerified == false)
    }

    @Test(arguments: [TLSVersions.v1_2, .v1_3])
    func `a client's certificate is verified, and its key lies elsewhere too`(_ versions: TLSVersions) async throws {
        let meeting = try await onLoop {
            let (server, client) = try streams()
            return await meet(
                server, try ServerSide(["mail"], versions: versions, clients: .required).context, client,
                try clientContext(certificate: "client"))
        }
        let facts = try #require(meeting.facts, "\(meeting)").server
        #expect(facts.isPeerVerified)
        #expect(facts.peerSubject == #"CN=ada,O=Ada\, Inc"#)
    }

    @Test(arguments: [nil, "false-client"], [TLSVersions.v1_2, .v1_3])
    func `without a good one there is no connection where it is required`(_ certificate: String?, _ versions: TLSVersions) async throws {
        let server = try await onLoop {
            let (server, client) = try streams()
            return await meet(
                server, try ServerSide(["mail"], versions: versions, clients: .required).context, client,
                try clientContext(certificate: certificate)
            ).server
        }
        guard case .failure(.unverified) = server else { return #expect(Bool(false), "\(server)") }
    }

    @Test(arguments: [(nil, false), ("false-client", false), ("client", true)])
    func `where it is only asked for, the result is noted`(_ certificate: String?, _ isGood: Bool) async throws {
        let meeting = try await onLoop {
            let (server, client) = try streams()
            return await meet(
                server, try ServerSide(["mail"], clients: .requested).context, client,
                try clientContext(certificate: certificate))
        }
        let facts = try #require(meeting.facts, "\(meeting)").server
        #expect(facts.isPeerVerified == isGood)
        #expect((facts.peerSubject == nil) == (certificate == nil))
    }
}
