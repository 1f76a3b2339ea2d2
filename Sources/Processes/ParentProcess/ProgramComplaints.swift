import EventLoop
import Log
import Platform

/// What a program writes to its standard error, as lines of the log: bounded in length and in number, since it may
/// be anybody's. Beyond the bound it is read no further for a while, which makes the program wait.
@EventLoopActor
final class ProgramComplaints {
    /// Bytes of a line; the rest is another.
    private static let maximumLine = 1_000
    /// Lines in each ``period``, more or less; of those beyond, of which one read can bring some, only the number is told.
    private static let maximumLines = 50
    /// Bytes in each, since empty lines count for nothing.
    private static let maximumBytes = 64 << 10
    private static let period = Duration.seconds(10)

    private let name: String
    private let log: Logger
    private var buffer: [UInt8] = []
    private var periodEnd = MonotonicInstant.now()
    private var lines = 0
    private var bytes = 0
    private var dropped = 0

    /// - Parameter name: What the lines begin with.
    init(of name: String, log: Logger) {
        self.name = name
        self.log = log
    }

    /// Reads until nobody holds the other end any more.
    func read(_ pipe: consuming OwnedDescriptor) {
        let stream = ByteStream(adopting: pipe)
        spawn { [self] in
            while case .bytes(let read) = await stream.read() {
                beginPeriodWhenOver()
                bytes += read.count
                take(read)
                if lines >= Self.maximumLines || bytes >= Self.maximumBytes { await pause(until: periodEnd) }
            }
            if !buffer.isEmpty { say(buffer[...]) }
            tellDropped()
            stream.close()
        }
    }

    private func take(_ bytes: [UInt8]) {
        buffer += bytes
        var start = 0
        while start < buffer.count {
            let limit = min(buffer.count, start + Self.maximumLine)
            let end = buffer[start..<limit].firstIndex(of: 0x0A)
            guard let end = end ?? (limit - start == Self.maximumLine ? limit : nil) else { break }
            say(buffer[start..<end])
            start = end < limit ? end + 1 : end
        }
        buffer.removeSubrange(..<start)
    }

    private func say(_ line: ArraySlice<UInt8>) {
        guard !line.isEmpty else { return }
        lines += 1
        guard lines <= Self.maximumLines else {
            dropped += 1
            return
        }
        log.warning("\(name): \(String(decoding: line, as: UTF8.self))")
    }

    private func beginPeriodWhenOver() {
        let now = MonotonicInstant.now()
        guard now >= periodEnd else { return }
        tellDropped()
        periodEnd = now + Self.period
        lines = 0
        bytes = 0
    }

    private func tellDropped() {
        if dropped > 0 { log.warning("\(name): \(dropped) lines more in \(Self.period.components.seconds)s") }
        dropped = 0
    }
}
