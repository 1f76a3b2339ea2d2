import EventLoop

/// Who is asked what is not known here: the servers of resolv.conf, or a validator of our own.
@EventLoopActor package protocol DNSUpstream: AnyObject {
    /// Takes settings that have changed.
    func configure(_ settings: ResolverSettings)
    /// Asks, within a time that the settings bound. Never for the same question twice at once.
    func ask(_ question: DNSQuestion) async -> DNSResult
}

/// One question on its way, with everybody who waits for the answer.
@EventLoopActor package final class DNSInquiry {
    private var result: DNSResult?
    private var waiting: [UnsafeContinuation<DNSResult, Never>] = []

    init() {}

    /// Answered already.
    init(_ result: DNSResult) { self.result = result }

    /// The answer; at once when it has come.
    package func value() async -> DNSResult {
        await withUnsafeContinuation { continuation in
            // Looked at here, for before a task waits others may have run.
            if let result { return continuation.resume(returning: result) }
            waiting.append(continuation)
        }
    }

    func finish(_ result: DNSResult) {
        self.result = result
        let waiting = self.waiting
        self.waiting = []
        for continuation in waiting { continuation.resume(returning: result) }
    }
}
