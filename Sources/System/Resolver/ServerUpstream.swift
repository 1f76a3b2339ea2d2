import EventLoop
import Glibc
import Platform

/// Asks the servers of resolv.conf: over UDP, and over TCP where an answer does not fit or is not to be trusted.
///
/// Each question has a socket of its own, so that its port is random, and takes datagrams of that server only. A
/// server that did not answer is asked after the others for a while. One that refuses or fails leads to the next.
@EventLoopActor package final class ServerUpstream: DNSUpstream {
    /// One server, and what was learnt about it.
    private final class Server {
        let address: SocketAddress
        /// It kept us waiting; until then it is asked last.
        var avoidedUntil: MonotonicInstant?
        /// It did not understand EDNS.
        var isOld = false

        init(_ address: SocketAddress) { self.address = address }

        func isAvoided(at now: MonotonicInstant) -> Bool { avoidedUntil.map { now < $0 } ?? false }
    }

    /// How one server dealt with one question.
    private enum Outcome {
        case result(DNSResult)
        /// Somebody else may know better.
        case next(DNSFailure)
        /// A datagram cannot bring the answer, or did not bring it for certain.
        case truncated
        /// The server does not understand EDNS.
        case old
    }

    private var servers: [Server] = []
    private var settings = ResolverSettings()
    private var turn = 0

    /// How long a server that did not answer is asked last.
    private static let avoidance = Duration.seconds(30)
    /// Datagrams that are not the answer, after which the question goes over TCP: somebody is guessing.
    private static let maximumStrangers = 8
    /// The largest datagram that is taken; nobody was told to send that much.
    private static let maximumReceived = 4096

    /// Without servers until ``configure(_:)``.
    package init() {}

    package func configure(_ settings: ResolverSettings) {
        self.settings = settings
        servers = settings.servers.map { Server($0) }
    }

    package func ask(_ question: DNSQuestion) async -> DNSResult {
        var failure = DNSFailure.unreachable
        let timeout = Duration.seconds(settings.timeout)
        for _ in 0..<settings.attempts {
            for server in serversInOrder() {
                switch await ask(server, question, deadline: .now() + timeout) {
                case .success(let result): return result
                // The most telling reason is a server's own.
                case .failure(let reason): if failure.isSilence || !reason.isSilence { failure = reason }
                }
            }
            // A server that has said no says it again.
            if !failure.isSilence { break }
        }
        return .failed(failure)
    }

    private func serversInOrder() -> [Server] {
        var ordered = servers
        if settings.rotates, !servers.isEmpty {
            turn = (turn + 1) % servers.count
            ordered = Array(servers[turn...] + servers[..<turn])
        }
        let now = MonotonicInstant.now()
        return ordered.filter { !$0.isAvoided(at: now) } + ordered.filter { $0.isAvoided(at: now) }
    }

    private func ask(
        _ server: Server, _ question: DNSQuestion, deadline: MonotonicInstant
    ) async -> Result<DNSResult, DNSFailure> {
        var usesTCP = settings.usesTCP
        while true {
            let outcome: Outcome
            do throws(SystemError) {
                outcome =
                    usesTCP
                    ? try await askOverTCP(server, question, deadline: deadline)
                    : try await askOverUDP(server, question, deadline: deadline)
            } catch {
                outcome = .next(error.code == ETIMEDOUT ? .timedOut : .unreachable)
            }
            switch outcome {
            case .result(let result):
                server.avoidedUntil = nil
                return .success(result)
            case .truncated where !usesTCP: usesTCP = true
            case .truncated: return .failure(.malformed(.truncated))
            case .old: server.isOld = true
            case .next(let failure):
                if failure == .timedOut { server.avoidedUntil = .now() + Self.avoidance }
                return .failure(failure)
            }
        }
    }

    private func query(_ question: DNSQuestion, for server: Server) -> DNSQuery {
        var generator = SystemRandomNumberGenerator()
        return DNSQuery(
            question, usesEDNS: !server.isOld, wantsAuthenticity: settings.trustsAuthenticity, using: &generator)
    }

    // MARK: UDP

    private func askOverUDP(
        _ server: Server, _ question: DNSQuestion, deadline: MonotonicInstant
    ) async throws(SystemError) -> Outcome {
        let query = query(question, for: server)
        let socket = try DatagramSocket(connectedTo: server.address)
        try socket.send(query.bytes)
        let readiness = Readiness(descriptor: socket.descriptor.raw)
        // Before the socket goes.
        defer { readiness.close() }
        var strangers = 0
        while true {
            switch await readiness.readable(deadline: deadline) {
            case .timedOut: return .next(.timedOut)
            case .closed: return .next(.unreachable)
            case .ready: break
            }
            let message: [UInt8]
            switch try socket.receive(limit: Self.maximumReceived) {
            case .nothing: continue
            case .tooLong: return .truncated
            case .datagram(let bytes): message = bytes
            }
            switch query.match(message) {
            case .exact:
                return interpret(message, as: query)
            // Old servers do not keep capitals, and forgers do not know them; a connection tells them apart.
            case .otherCapitals: return .truncated
            case .notUnderstood: return notUnderstood(query)
            case .none:
                strangers += 1
                if strangers >= Self.maximumStrangers { return .truncated }
            }
        }
    }

    // MARK: TCP

    private func askOverTCP(
        _ server: Server, _ question: DNSQuestion, deadline: MonotonicInstant
    ) async throws(SystemError) -> Outcome {
        let query = query(question, for: server)
        let stream = ByteStream(adopting: try await connect(to: server.address, deadline: deadline))
        defer { stream.close() }
        let length = query.bytes.count
        let frame = [UInt8(length >> 8), UInt8(length & 0xFF)] + query.bytes
        guard await stream.write(frame, deadline: deadline) == .written else { return .next(.unreachable) }
        var received: [UInt8] = []
        while true {
            if received.count >= 2 {
                let end = 2 + (Int(received[0]) << 8 | Int(received[1]))
                if received.count >= end {
                    let message = Array(received[2..<end])
                    switch query.match(message) {
                    // Nobody else can write into a connection, so the capitals do not matter.
                    case .exact, .otherCapitals: return interpret(message, as: query)
                    case .notUnderstood: return notUnderstood(query)
                    case .none: return .next(.malformed(.wrongQuestion))
                    }
                }
            }
            switch await stream.read(deadline: deadline) {
            case .bytes(let bytes): received += bytes
            case .timedOut: return .next(.timedOut)
            case .end, .failed: return .next(.unreachable)
            }
        }
    }

    // MARK: Answers

    /// What is really not implemented is the same without EDNS, and is then an error like any other.
    private func notUnderstood(_ query: DNSQuery, code: UInt16 = DNSResponse.formatError) -> Outcome {
        query.usesEDNS ? .old : .next(.errorCode(code))
    }

    private func interpret(_ message: [UInt8], as query: DNSQuery) -> Outcome {
        let response: DNSResponse
        do throws(MalformedMessage) {
            response = try DNSResponse(message)
        } catch {
            return .next(.malformed(error))
        }
        let refusesEDNS = [DNSResponse.formatError, DNSResponse.notImplemented, DNSResponse.badVersion].contains(response.code)
        if refusesEDNS { return notUnderstood(query, code: response.code) }
        if response.isTruncated { return .truncated }
        switch response.result(for: query.question, trustsAuthenticity: settings.trustsAuthenticity) {
        case .failed(let failure): return .next(failure)
        case let result: return .result(result)
        }
    }
}

extension DNSFailure {
    /// Nobody has said anything; asking again may help.
    fileprivate var isSilence: Bool { self == .timedOut || self == .unreachable }
}
