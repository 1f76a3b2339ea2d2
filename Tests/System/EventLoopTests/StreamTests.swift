import Glibc
import LoopTesting
import Platform
import Testing

@testable import EventLoop

/// Waits again and again with a function: for an octet, a deadline, the stream's closing, and afterwards.
@EventLoopActor private final class Listener {
    private let stream: ByteStream
    private(set) var told: [WaitResult] = []
    private var done: UnsafeContinuation<Void, Never>?

    init(_ stream: ByteStream) { self.stream = stream }

    func listen(until done: UnsafeContinuation<Void, Never>) {
        self.done = done
        stream.readiness.whenReadable { [self] in waited($0) }
    }

    private func waited(_ result: WaitResult) {
        told.append(result)
        switch told.count {
        case 1:
            _ = stream.tryRead()
            stream.readiness.whenReadable(deadline: .now() + .milliseconds(5)) { [self] in waited($0) }
        case 2:
            stream.readiness.whenReadable(deadline: .now() + 5) { [self] in waited($0) }
            stream.close()
        case 3: stream.readiness.whenReadable { [self] in waited($0) }
        default: done?.resume()
        }
    }
}

@Suite("Readiness and streams") struct StreamTests {
    @Test func `what the peer sends is read, then its end`() async throws {
        let results = try await onLoop {
            let (stream, peer) = try streamAndPeer()
            spawn {
                _ = await peer.write(Array("hello".utf8))
                peer.close()
            }
            return [await stream.read(), await stream.read(), await stream.read()]
        }
        #expect(results == [.bytes(Array("hello".utf8)), .end, .end])
    }

    @Test func `a read gives up at its deadline and the next one works`() async throws {
        let (first, second) = try await onLoop {
            let (stream, peer) = try streamAndPeer()
            let first = await stream.read(deadline: .now() + .milliseconds(5))
            _ = await peer.write([1])
            return (first, await stream.read(deadline: .now() + 5))
        }
        #expect(first == .timedOut)
        #expect(second == .bytes([1]))
    }

    @Test func `a deadline that has passed wins over octets that are there`() async throws {
        let result = try await onLoop {
            let (stream, peer) = try streamAndPeer()
            _ = await peer.write([1])
            return await stream.read(deadline: .now() + .seconds(-1))
        }
        #expect(result == .timedOut)
    }

    @Test func `a peer that drips cannot put off a deadline`() async throws {
        let result = try await onLoop {
            let (stream, peer) = try streamAndPeer()
            let drip = spawn {
                while await peer.write([1]) == .written { await pause(until: .now() + .milliseconds(2)) }
            }
            let end = MonotonicInstant.now() + .milliseconds(50)
            var result = await stream.read(deadline: end)
            while case .bytes = result { result = await stream.read(deadline: end) }
            stream.close()
            await drip.value
            return result
        }
        #expect(result == .timedOut)
    }

    @Test func `a function that waits is told once, may wait again, and hears of the end`() async throws {
        let told = try await onLoop {
            let (stream, peer) = try streamAndPeer()
            spawn { _ = await peer.write([1]) }
            let listener = Listener(stream)
            await withUnsafeContinuation { listener.listen(until: $0) }
            return listener.told
        }
        #expect(told == [.ready, .timedOut, .closed, .closed])
    }

    @Test func `a write that does not wait keeps what the kernel did not take`() async throws {
        let (attempt, left, received) = try await onLoop {
            let (stream, peer) = try streamAndPeer()
            var bytes = [UInt8](repeating: 5, count: 8 << 20)
            let attempt = stream.tryWrite(&bytes)
            let left = bytes.count
            stream.close()
            var received = 0
            while case .bytes(let some) = await peer.read() { received += some.count }
            return (attempt, left, received)
        }
        #expect(attempt == .full)
        #expect(left > 0 && received == (8 << 20) - left)
    }

    @Test func `closing ends a read that waits`() async throws {
        let result = try await onLoop {
            let (stream, peer) = try streamAndPeer()
            spawn { stream.close() }
            let result = await stream.read()
            withExtendedLifetime(peer) {}
            return result
        }
        #expect(result == .failed(SystemError("read", code: ECANCELED)))
    }

    @Test func `more than the socket holds is written as the peer reads, and arrives unchanged`() async throws {
        let sent = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let received = try await onLoop {
            let (stream, peer) = try streamAndPeer()
            spawn {
                #expect(await peer.write(sent) == .written)
                peer.close()
            }
            var received: [UInt8] = []
            while case .bytes(let bytes) = await stream.read() {
                #expect(bytes.count <= ByteStream.readSize)
                received += bytes
            }
            return received
        }
        #expect(received == sent)
    }

    @Test func `a write to a peer that does not read gives up at its deadline`() async throws {
        let result = try await onLoop {
            let (stream, peer) = try streamAndPeer()
            let result = await stream.write([UInt8](repeating: 0, count: 4 << 20), deadline: .now() + .milliseconds(10))
            withExtendedLifetime(peer) {}
            return result
        }
        #expect(result == .timedOut)
    }

    @Test func `a write to a peer that has gone fails and kills nobody`() async throws {
        let result = try await onLoop {
            let (stream, peer) = try streamAndPeer()
            peer.close()
            return await stream.write([1])
        }
        #expect(result == .failed(SystemError("write", code: EPIPE)))
    }

    @Test func `a released descriptor still works elsewhere`() async throws {
        let result = try await onLoop {
            let (stream, peer) = try streamAndPeer()
            guard let descriptor = stream.release() else { throw SystemError("release", code: EBADF) }
            let isGone = stream.release() == nil
            #expect(isGone)
            #expect(stream.rawDescriptor == -1)
            let again = ByteStream(adopting: descriptor)
            _ = await peer.write([7])
            return await again.read()
        }
        #expect(result == .bytes([7]))
    }

    @Test func `reading and writing wait at the same time, each with its deadline`() async throws {
        let (read, written) = try await onLoop {
            let (stream, peer) = try streamAndPeer()
            var written: WriteResult?
            let writer = spawn {
                written = await stream.write([UInt8](repeating: 0, count: 4 << 20), deadline: .now() + .milliseconds(20))
            }
            let read = await stream.read(deadline: .now() + .milliseconds(5))
            await writer.value
            withExtendedLifetime(peer) {}
            return (read, written)
        }
        #expect(read == .timedOut)
        #expect(written == .timedOut)
    }

    @Test func `an idle session costs less than four kilobytes`() throws {
        let outcome = try Probe.run(["idle", "2000"])
        let octets = try #require(outcome.lines.first?.split(separator: " ").last.flatMap { Int($0) })
        // 2.0 KB in a release build; the room is for debugging builds.
        #expect(octets < 4096, "\(outcome.output)")
    }
}

@Suite("Accepting and connecting") struct AcceptorTests {
    @Test(arguments: ["127.0.0.1", "::1"])
    func `connections are accepted and know both addresses`(_ host: String) async throws {
        let any = try #require(SocketAddress(numeric: host, port: 0))
        try await onLoop {
            let listener = try ListeningSocket.internet(any)
            let address = try Sockets.localAddress(listener.raw)
            let (accepted, continuation) = AsyncStream.makeStream(of: (ByteStream, SocketAddress).self)
            let acceptor = try Acceptor(adopting: listener) { connection, peer in
                continuation.yield((ByteStream(adopting: connection), peer))
            }
            let client = ByteStream(adopting: try await connect(to: address, deadline: .now() + 5))
            #expect(try Sockets.peerAddress(client.rawDescriptor) == address)
            for await (server, peer) in accepted {
                #expect(try Sockets.localAddress(client.rawDescriptor) == peer)
                #expect(peer.host == host)
                _ = await server.write([42])
                break
            }
            #expect(await client.read(deadline: .now() + 5) == .bytes([42]))
            acceptor.close()
        }
    }

    @Test func `a paused listener leaves clients in the backlog`() async throws {
        let any = try #require(SocketAddress(numeric: "127.0.0.1", port: 0))
        try await onLoop {
            let listener = try ListeningSocket.internet(any)
            let address = try Sockets.localAddress(listener.raw)
            let log = Log()
            let acceptor = try Acceptor(adopting: listener) { _, _ in log.add("accepted") }
            acceptor.pause()
            let client = try await connect(to: address, deadline: .now() + 5)
            await pause(until: .now() + .milliseconds(10))
            #expect(log.entries.isEmpty)
            acceptor.resume()
            for _ in 0..<200 where log.entries.isEmpty { await pause(until: .now() + .milliseconds(5)) }
            #expect(log.entries == ["accepted"])
            acceptor.close()
            try client.close()
        }
    }

    @Test func `a full table of descriptors pauses accepting until there is room`() throws {
        let outcome = try Probe.run(["exhausted"])
        #expect(outcome.lines == ["accepted 0", "spun false", "accepted 3"])
    }

    @Test func `with a full table of descriptors each connection is handed over to be turned away`() throws {
        let outcome = try Probe.run(["turned-away"])
        #expect(outcome.lines == ["accepted 0, turned away 3", "accepted 1, turned away 3"])
    }

    @Test func `nobody listening is an error, and so is a path that is too long`() async throws {
        let any = try #require(SocketAddress(numeric: "127.0.0.1", port: 0))
        let listener = try ListeningSocket.internet(any)
        let address = try Sockets.localAddress(listener.raw)
        try listener.close()
        let codes = try await onLoop {
            var codes: [CInt] = []
            for target in [address, .local(path: String(repeating: "x", count: 108)), .local(path: "/nonexistent/socket")] {
                do throws(SystemError) { try await connect(to: target, deadline: .now() + 5).close() } catch {
                    codes.append(error.code)
                }
            }
            return codes
        }
        #expect(codes == [ECONNREFUSED, ENAMETOOLONG, ENOENT])
    }
}

@EventLoopActor private func streamAndPeer() throws -> (ByteStream, ByteStream) {
    let pair = try LocalSocket.pair()
    return (ByteStream(adopting: pair.first), ByteStream(adopting: pair.second))
}
