import EventLoop
import Platform

/// Looks up names: in hosts(5), in what is remembered, and at servers.
///
/// Equal questions are asked once; questions beyond ``maximumOpen`` wait, and beyond ``maximumWaiting`` of those
/// fail at once. Start reading at ``inquire(_:_:)``, which all others come down to; what leaves this machine goes
/// through a ``DNSUpstream``, ``ServerUpstream`` for one.
@EventLoopActor package final class Resolver {
    let files: ResolverFiles
    private let upstream: any DNSUpstream
    private let clock: @EventLoopActor () -> MonotonicInstant
    private var cache = DNSCache()
    private var open: [DNSQuestion: DNSInquiry] = [:]
    private var running = 0
    private var queue: ArraySlice<DNSQuestion> = []
    private var nextCheck: MonotonicInstant

    /// Questions under way at once: each takes a descriptor.
    package nonisolated static let maximumOpen = 256
    /// Questions that wait for others to end.
    package nonisolated static let maximumWaiting = 8_192
    /// How often the files are looked at, when anything is asked.
    private static let checkInterval = Duration.seconds(1)

    /// - Parameter clock: The time that answers age by.
    package init(
        files: ResolverFiles, upstream: any DNSUpstream, clock: @escaping @EventLoopActor () -> MonotonicInstant = { .now() }
    ) {
        self.files = files
        self.upstream = upstream
        self.clock = clock
        nextCheck = clock() + Self.checkInterval
        upstream.configure(files.settings)
    }

    /// Looks a name up as it is: no search list, no hosts file.
    package func resolve(_ name: DNSName, _ type: DNSType) async -> DNSResult { await inquire(name, type).value() }

    /// Begins to look a name up as it is; several can be begun before the first is waited for.
    package func inquire(_ name: DNSName, _ type: DNSType) -> DNSInquiry {
        checkFiles()
        let question = DNSQuestion(name, type)
        if let known = cache.result(for: question, at: clock()) { return DNSInquiry(known) }
        if let inquiry = open[question] { return inquiry }
        guard running < Self.maximumOpen || queue.count < Self.maximumWaiting else {
            return DNSInquiry(.failed(.overloaded))
        }
        let inquiry = DNSInquiry()
        open[question] = inquiry
        queue.append(question)
        startWaiting()
        return inquiry
    }

    private func startWaiting() {
        while running < Self.maximumOpen, let question = queue.popFirst() {
            running += 1
            spawn { [self] in
                let result = await upstream.ask(question)
                running -= 1
                cache.insert(result, for: question, at: clock())
                open.removeValue(forKey: question)?.finish(result)
                startWaiting()
            }
        }
    }

    /// Takes up what an administrator or a network manager has changed.
    func checkFiles() {
        let now = clock()
        guard nextCheck <= now else { return }
        nextCheck = now + Self.checkInterval
        guard files.refresh() else { return }
        // Another network may have other names.
        cache.removeAll()
        upstream.configure(files.settings)
    }
}
