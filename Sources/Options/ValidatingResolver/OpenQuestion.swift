#if DNSSEC
import CUnbound
import EventLoop
import Glibc
import Resolver

/// A question that libunbound works on, and who waits for it. Answered once: by the callback, when its time is over,
/// or when its context goes.
@EventLoopActor final class OpenQuestion {
    private let question: DNSQuestion
    private var continuation: UnsafeContinuation<DNSResult, Never>?
    private let ended: @EventLoopActor (OpenQuestion) -> Void
    private var timer: LoopTimer?
    /// Tells libunbound that nobody waits any more; it does not call back then.
    private var cancel: (@EventLoopActor () -> Void)?
    /// What libunbound holds; given back by the callback, or by us when there will be none.
    private var reference: Unmanaged<OpenQuestion>?

    init(
        _ question: DNSQuestion, _ continuation: UnsafeContinuation<DNSResult, Never>,
        ended: @escaping @EventLoopActor (OpenQuestion) -> Void
    ) {
        self.question = question
        self.continuation = continuation
        self.ended = ended
    }

    func begin(in context: OpaquePointer, patience: Duration) {
        let reference = Unmanaged.passRetained(self)
        self.reference = reference
        var number: CInt = 0
        let code = ub_resolve_event(
            context, question.name.description + ".", CInt(question.type.rawValue), 1, reference.toOpaque(),
            { reference, code, packet, length, security, reason, _ in
                ForeignEvents.callback {
                    // The address is that of `reference` below, and the callback comes at most once.
                    Unmanaged<OpenQuestion>.fromOpaque(reference!).takeUnretainedValue()
                        .answered(code, packet, length, security, reason)
                }
            }, &number)
        guard code == 0 else { return abandon(.unreachable) }
        // What libunbound knows already it has answered within the call.
        guard continuation != nil else { return }
        let assigned = number
        cancel = { _ = ub_cancel(context, assigned) }
        let timer = LoopTimer { [unowned self] in abandon(.timedOut) }
        timer.schedule(after: patience)
        self.timer = timer
    }

    /// Ends without an answer.
    func abandon(_ failure: DNSFailure) {
        cancel?()
        finish(.failed(failure))
    }

    private func answered(
        _ code: CInt, _ packet: UnsafeMutableRawPointer?, _ length: CInt, _ security: CInt,
        _ reason: UnsafeMutablePointer<CChar>?
    ) {
        // 0 is unsigned, 1 forged, 2 authenticated.
        guard security != 1 else {
            return finish(.failed(.bogus(reason.map { String(cString: $0) } ?? "signatures do not hold")))
        }
        guard let packet, length > 0 else {
            return finish(.failed(code == 0 ? .unreachable : .serverFailure))
        }
        // libunbound lends so many octets for the time of the call.
        let message = Array(UnsafeRawBufferPointer(start: packet, count: Int(length)))
        do throws(MalformedMessage) {
            finish(try DNSResponse(message).result(for: question).authenticated(security == 2))
        } catch {
            finish(.failed(.malformed(error)))
        }
    }

    private func finish(_ result: DNSResult) {
        guard let continuation else { return }
        self.continuation = nil
        timer?.cancel()
        cancel = nil
        ended(self)
        continuation.resume(returning: result)
        reference?.release()
        reference = nil
    }
}

extension DNSResult {
    fileprivate func authenticated(_ isAuthenticated: Bool) -> DNSResult {
        guard case .found(var answer) = self else { return self }
        answer.isAuthenticated = isAuthenticated
        return .found(answer)
    }
}
#endif
