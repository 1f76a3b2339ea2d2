import Authentication
import EventLoop
import Glibc
import Interprocess
import Log
import Platform

/// A connection to Dovecot's authentication service, made when it is needed and made again when it was lost.
///
/// The protocol is ``DovecotClient``'s. Exchanges that are under way when the connection breaks are answered
/// "unavailable".
@EventLoopActor
final class DovecotConnection {
    /// What the service says in an exchange.
    enum Answer: Sendable {
        case challenge([UInt8])
        case accepted(user: String)
        case refused(user: String?, reason: String)
        case unavailable(String)
    }

    /// For the connection and the introduction of the service.
    private static let openingLimit = Duration.seconds(5)
    /// For each answer: the service delays failures.
    private static let answerLimit = Duration.seconds(30)

    private let path: String
    private let log: Logger
    private var client = DovecotClient()
    private var stream: ByteStream?
    private var isReady = false
    /// What the service offered when it was last asked.
    private var mechanisms: [String] = []
    private var openingWaiters: [UnsafeContinuation<Void, Never>] = []
    private var isOpening = false
    private var openingFailure = ""
    private var waiters: [UInt32: Waiter] = [:]

    /// Who waits for an answer in an exchange, with its time limit.
    private struct Waiter {
        let continuation: UnsafeContinuation<Answer, Never>
        let timer: LoopTimer
    }

    init(path: String, log: Logger) {
        self.path = path
        self.log = log
    }

    /// What the service offers; nil when it cannot be reached.
    func offeredMechanisms() async -> [String]? {
        await open() ? mechanisms : nil
    }

    /// Begins an exchange.
    ///
    /// - Returns: Its number, nil when there is none, and the answer.
    func start(_ request: DovecotClient.Request) async -> (exchange: UInt32?, Answer) {
        guard await open() else { return (nil, .unavailable("\(path): \(openingFailure)")) }
        guard (request.initialResponse?.count ?? 0) <= DovecotClient.maximumResponse else {
            return (nil, .refused(user: nil, reason: "response too long for Dovecot"))
        }
        let (exchange, bytes) = client.start(request)
        return (exchange, await answer(to: bytes, in: exchange))
    }

    func respond(_ exchange: UInt32, _ response: [UInt8]) async -> Answer {
        guard isReady else { return .unavailable("\(path): connection lost") }
        guard response.count <= DovecotClient.maximumResponse else {
            cancel(exchange)
            return .refused(user: nil, reason: "response too long for Dovecot")
        }
        return await answer(to: client.respond(exchange, response), in: exchange)
    }

    /// Forgets an exchange.
    func cancel(_ exchange: UInt32) {
        guard isReady else { return }
        send(client.cancel(exchange))
    }

    /// Ends the connection, and every exchange.
    func close() { lose("closed") }

    private func answer(to bytes: [UInt8], in exchange: UInt32) async -> Answer {
        send(bytes)
        guard isReady else { return .unavailable("\(path): connection lost") }
        return await withUnsafeContinuation { continuation in
            let timer = LoopTimer { [weak self] in
                guard let self else { return }
                cancel(exchange)
                resolve(exchange, .unavailable("\(path): no answer in time"))
            }
            timer.schedule(after: Self.answerLimit)
            waiters[exchange] = Waiter(continuation: continuation, timer: timer)
        }
    }

    private func resolve(_ exchange: UInt32, _ answer: Answer) {
        guard let waiter = waiters.removeValue(forKey: exchange) else { return }
        waiter.timer.cancel()
        waiter.continuation.resume(returning: answer)
    }

    // MARK: The connection

    private func open() async -> Bool {
        if isReady { return true }
        if !isOpening {
            isOpening = true
            spawn { [self] in await connect() }
        }
        await withUnsafeContinuation { openingWaiters.append($0) }
        return isReady
    }

    private func connect() async {
        let deadline = MonotonicInstant.now() + Self.openingLimit
        client = DovecotClient()
        do throws(SystemError) {
            let stream = ByteStream(adopting: try await EventLoop.connect(to: .local(path: path), deadline: deadline))
            self.stream = stream
            send(client.opening(process: getpid()))
            while self.stream === stream, !isReady {
                guard take(await stream.read(deadline: deadline)) else { break }
            }
            if isReady {
                spawn { [self] in
                    while self.stream === stream, take(await stream.read()) {}
                }
            }
        } catch {
            lose("\(error)")
        }
        isOpening = false
        let waiting = openingWaiters
        openingWaiters = []
        for waiter in waiting { waiter.resume() }
    }

    /// Takes what a read brought; false when the connection is gone.
    private func take(_ result: ReadResult) -> Bool {
        switch result {
        case .bytes(let bytes): client.receive(bytes)
        case .end: lose("closed by Dovecot")
        case .timedOut: lose("no greeting in time")
        case .failed(let error): lose("\(error)")
        }
        while stream != nil, let event = client.next() {
            switch event {
            case .ready(let offered):
                mechanisms = offered
                isReady = true
            case .challenge(let exchange, let challenge): resolve(exchange, .challenge(challenge))
            case .accepted(let exchange, let user): resolve(exchange, .accepted(user: user))
            case .refused(let exchange, let user, let reason, let isTemporary):
                resolve(exchange, isTemporary ? .unavailable("\(path): \(reason)") : .refused(user: user, reason: reason))
            case .failed(let failure): lose("\(failure)")
            }
        }
        return stream != nil
    }

    /// Sends at once: lines are short, and a service that does not read them is of no use.
    private func send(_ bytes: [UInt8]) {
        guard let stream else { return }
        var rest = bytes
        switch stream.tryWrite(&rest) {
        case .written: break
        case .full: lose("does not read")
        case .failed(let error): lose("\(error)")
        }
    }

    private func lose(_ reason: String) {
        guard let stream else {
            openingFailure = reason
            return
        }
        self.stream = nil
        isReady = false
        openingFailure = reason
        stream.close()
        if !waiters.isEmpty { log.warning("connection to \(path) lost: \(reason)") }
        for exchange in waiters.keys.sorted() { resolve(exchange, .unavailable("\(path): \(reason)")) }
    }
}
