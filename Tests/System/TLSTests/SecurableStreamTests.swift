import COpenSSL
import EventLoop
import Glibc
import LoopTesting
import Platform
import Testing

@testable import TLS

@Suite("A stream that becomes secured") struct SecurableStreamTests {
    @Test(arguments: ["mail", "curve"], [TLSVersions.v1_2, .v1_3])
    func `peers agree, with a key that lies elsewhere`(_ name: String, _ versions: TLSVersions) async throws {
        let (meeting, signatures) = try await onLoop {
            let (server, client) = try streams()
            let side = try ServerSide([name], versions: versions)
            let meeting = await meet(server, side.context, client, try clientContext())
            return (meeting, side.keys.signatures)
        }
        let facts = try #require(meeting.facts, "\(meeting)")
        #expect(facts.client.version == (versions == .v1_2 ? "TLSv1.2" : "TLSv1.3"))
        #expect(facts.client.isPeerVerified && facts.client.peerSubject == "CN=mail.example.org")
        #expect(facts.server.cipher == facts.client.cipher && facts.server.bits == 256)
        #expect(!facts.server.isPeerVerified && facts.server.peerSubject == nil && !facts.server.isResumed)
        #expect(signatures == 1)
    }

    @Test func `both ways, any amount, then a goodbye`() async throws {
        let payload = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let (received, end, back) = try await onLoop {
            let (server, client) = try streams()
            _ = await meet(server, try ServerSide(["curve"]).context, client, try clientContext())
            spawn {
                _ = await client.write(payload, deadline: .now() + 10)
            }
            var received: [UInt8] = []
            while received.count < payload.count, case .bytes(let bytes) = await server.read(deadline: .now() + 10) {
                received += bytes
            }
            _ = await server.write(Array("thanks".utf8))
            let back = await client.read(deadline: .now() + 10)
            client.close()
            return (received, await server.read(deadline: .now() + 10), back)
        }
        // To say where they differ would take minutes, in which no other test goes on.
        let isWhole = received == payload
        #expect(isWhole)
        #expect(end == .end)
        #expect(back == .bytes(Array("thanks".utf8)))
    }

    @Test func `what does not fit into the socket waits, and is continued`() async throws {
        let payload = [UInt8](repeating: 7, count: 4 << 20)
        let (attempt, left, received) = try await onLoop {
            let (server, client) = try streams()
            _ = await meet(server, try ServerSide(["curve"]).context, client, try clientContext())
            var rest = payload
            let attempt = server.tryWrite(&rest)
            let left = rest.count
            spawn { [rest] in _ = await server.write(rest, deadline: .now() + 10) }
            var received = 0
            while received < payload.count, case .bytes(let bytes) = await client.read(deadline: .now() + 10) {
                received += bytes.count
            }
            return (attempt, left, received)
        }
        #expect(attempt == .full)
        #expect(left > 0 && left < payload.count)
        #expect(received == payload.count)
    }

    @Test func `a wait with a function is told of octets that the library already holds`() async throws {
        let (wanted, received) = try await onLoop {
            let (server, client) = try streams()
            _ = await meet(server, try ServerSide(["curve"]).context, client, try clientContext())
            _ = await client.write(Array("one".utf8))
            _ = await client.write([UInt8](repeating: 1, count: ByteStream.readSize + 10))
            let wanted = ByteStream.readSize + 13
            return (wanted, await withUnsafeContinuation { done in Collector(server, wanted, done).wait() })
        }
        #expect(received == wanted)
    }

    @Test func `clear text sent before the handshake is never read as if it were secured`() async throws {
        let (meeting, afterwards) = try await onLoop {
            let (server, client) = try streams()
            _ = await client.write(Array("NOOP injected\r\n".utf8))
            let meeting = await meet(server, try ServerSide(["curve"]).context, client, try clientContext())
            return (meeting, server.tryRead())
        }
        guard case .failure(.handshake) = meeting.server else { return #expect(Bool(false), "\(meeting)") }
        #expect(afterwards == .failed(SystemError("read", code: ECANCELED)))
    }

    @Test func `after a failed handshake nothing is sent in clear`() async throws {
        let (attempt, peer) = try await onLoop {
            let pair = try LocalSocket.pair()
            let server = SecurableStream(adopting: pair.first)
            let peer = ByteStream(adopting: pair.second)
            _ = await peer.write(Array("GET / HTTP/1.0\r\n\r\n".utf8))
            _ = await secure(server, .server(try ServerSide(["curve"]).context))
            var bytes = Array("220 secret".utf8)
            let attempt = server.tryWrite(&bytes)
            server.close()
            return (attempt, await peer.read(deadline: .now() + 5))
        }
        #expect(attempt == .failed(SystemError("write", code: ECANCELED)))
        if case .bytes(let bytes) = peer { #expect(!bytes.contains(UInt8(ascii: "2")), "an alert at most: \(bytes)") }
    }

    @Test func `a silent client does not outlive the deadline`() async throws {
        let result = try await onLoop {
            let (server, client) = try streams()
            let context = try ServerSide(["curve"]).context
            var result: TLSFailure?
            do throws(TLSFailure) {
                try await server.startTLS(.server(context), deadline: .now() + .milliseconds(20))
            } catch {
                result = error
            }
            client.close()
            return result
        }
        #expect(result == .timedOut)
    }

    @Test func `a client that leaves in the middle is told as such`() async throws {
        let result = try await onLoop {
            let (server, client) = try streams()
            client.close()
            return await secure(server, .server(try ServerSide(["curve"]).context))
        }
        #expect(result == .failure(.peerLeft))
    }

    @Test func `closing while the signature is being made ends the handshake, and the late signature does no harm`() async throws {
        let result = try await onLoop {
            let (server, client) = try streams()
            let side = try ServerSide(["mail"])
            side.keys.isHeld = true
            let outcome = Outcome()
            let context = try clientContext()
            spawn { outcome.set(await secure(server, .server(side.context))) }
            spawn { _ = await secure(client, .client(context, host: "mail.example.org")) }
            while side.keys.signatures == 0 { await pause(until: .now() + .milliseconds(1)) }
            server.close()
            side.keys.release()
            return await outcome.value()
        }
        #expect(result == .failure(.closed))
    }

    @Test func `without a signature there is no connection`() async throws {
        let meeting = try await onLoop {
            let (server, client) = try streams()
            let side = try ServerSide(["mail"])
            side.keys.refuses = true
            let outcome = Outcome()
            spawn {
                outcome.set(await secure(server, .server(side.context)))
                server.close()
            }
            let asked = await secure(client, .client(try clientContext(), host: "mail.example.org"))
            return Meeting(server: await outcome.value(), client: asked)
        }
        #expect(meeting.server == .failure(.noSignature))
        guard case .failure = meeting.client else { return #expect(Bool(false), "\(meeting)") }
    }

    @Test func `nobody renegotiates`() async throws {
        let (asked, server) = try await onLoop {
            let (server, client) = try streams()
            _ = await meet(server, try ServerSide(["curve"], versions: .v1_2).context, client, try clientContext())
            guard let raw = client.library else { return (nil as ReadResult?, nil as ReadResult?) }
            SSL_clear_options(raw, 1 << 30)
            _ = SSL_renegotiate(raw)
            _ = SSL_do_handshake(raw)
            let told = server.tryRead()
            return (client.tryRead(), told)
        }
        #expect(server == nil)
        guard case .failed(let error)? = asked else { return #expect(Bool(false), "\(String(describing: asked))") }
        #expect(error.operation.contains("no renegotiation"), "\(error)")
    }

    @Test(arguments: [(60, true), (70, false)])
    func `a peer that asks for new keys more often than anybody needs is cut off`(_ times: Int, _ isServed: Bool) async throws {
        let results = try await onLoop {
            let (server, client) = try streams()
            _ = await meet(server, try ServerSide(["curve"]).context, client, try clientContext())
            guard let raw = client.library else { return [] as [ReadResult] }
            for _ in 0..<times {
                _ = SSL_key_update(raw, SSL_KEY_UPDATE_REQUESTED)
                _ = SSL_do_handshake(raw)
                // The server answers with new keys of its own.
                _ = server.tryRead()
                _ = client.tryRead()
            }
            _ = await client.write([1])
            return [await server.read(deadline: .now() + 5)]
        }
        #expect((results == [.bytes([1])]) == isServed, "\(results)")
    }

    @Test func `many handshakes at once, each signed in its turn`() async throws {
        let done = try await onLoop {
            let side = try ServerSide(["curve"])
            side.keys.delay = .milliseconds(5)
            let context = try clientContext()
            let outcomes = (0..<50).map { _ in Outcome() }
            for outcome in outcomes {
                let (server, client) = try streams()
                spawn {
                    let meeting = await meet(server, side.context, client, context)
                    outcome.set(meeting.server)
                }
            }
            var done = 0
            for outcome in outcomes { if case .success = await outcome.value() { done += 1 } }
            return done
        }
        #expect(done == 50)
    }
}

/// Gathers octets with functions until there are enough.
@EventLoopActor private final class Collector {
    private let stream: SecurableStream
    private let wanted: Int
    private let done: UnsafeContinuation<Int, Never>
    private var count = 0

    init(_ stream: SecurableStream, _ wanted: Int, _ done: UnsafeContinuation<Int, Never>) {
        self.stream = stream
        self.wanted = wanted
        self.done = done
    }

    func wait() { stream.whenReadable(deadline: .now() + 10) { [self] in ready($0) } }

    private func ready(_ result: WaitResult) {
        guard case .ready = result else { return done.resume(returning: -1) }
        switch stream.tryRead() {
        case .bytes(let bytes): count += bytes.count
        case nil: break
        case .end, .timedOut, .failed: return done.resume(returning: -2)
        }
        if count >= wanted { done.resume(returning: count) } else { wait() }
    }
}
