import EventLoop
import Glibc
import Interprocess
import Platform
import WireFormat

/// A question or an answer: the number of the request and some text.
struct Ping: WireMessage {
    let request: UInt64
    let text: String

    init(request: UInt64, text: String) {
        self.request = request
        self.text = text
    }

    func encode(into writer: inout WireWriter) {
        writer.write(request)
        writer.write(text)
    }

    init(from reader: inout WireReader) throws(WireError) {
        request = try reader.readUInt64()
        text = try reader.readString()
    }
}

/// Round trips between two processes.
@EventLoopActor enum Throughput {
    /// Starts itself as `echo` and prints the round trips per second; arguments: how many, how many at once.
    static func check(_ arguments: [String]) async {
        let total = arguments.first.flatMap { Int($0) } ?? 200_000
        let width = arguments.dropFirst().first.flatMap { Int($0) } ?? 64
        do {
            let pair = try LocalSocket.pair()
            let program = ChildProcess(path: "/proc/self/exe", arguments: ["LoopProbe", "echo"], environment: [])
            let child = try program.start(output: 1, error: 2, extra: pair.second.raw)
            let pending = PendingRequests<String>()
            let link = Link<Ping, Ping>(
                adopting: pair.first, name: "echo",
                receive: { answer, _ in pending.resolve(answer.request, answer.text) },
                closed: { _ in pending.failAll() })
            let start = MonotonicInstant.now()
            let workers = (0..<width).map { _ in
                spawn {
                    for _ in 0..<(total / width) {
                        let id = pending.next()
                        link.send(Ping(request: id, text: "ada@example.org"))
                        guard await pending.answer(id) == "ada@example.org" else { Diagnostics.fail("wrong answer") }
                    }
                }
            }
            for worker in workers { await worker.value }
            let seconds = Double((MonotonicInstant.now() - start).wholeNanoseconds) / 1e9
            LoopProbe.report("round trips \(Int(Double(total) / seconds))")
            link.close()
            guard try ChildProcess.wait(for: child).isSuccess else { Diagnostics.fail("the echo failed") }
        } catch {
            Diagnostics.fail("\(error)")
        }
    }

    /// Answers everything on descriptor 3 until the peer goes.
    static func echo() async {
        let (ends, end) = AsyncStream.makeStream(of: LinkFailure.self)
        let box = Box()
        box.link = Link<Ping, Ping>(
            adopting: OwnedDescriptor(adopting: 3), name: "parent",
            receive: { [unowned box] message, _ in box.link?.send(message) }, closed: { end.yield($0) })
        for await failure in ends {
            guard failure == .peerClosed else { Diagnostics.fail("echo: \(failure)") }
            return
        }
    }

    @EventLoopActor private final class Box { var link: Link<Ping, Ping>? }
}
