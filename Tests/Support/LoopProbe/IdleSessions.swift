import EventLoop
import Glibc
import Platform

/// How much memory a session costs while it waits for its client.
enum IdleSessions {
    /// Prints the octets per session; the argument says how many.
    @EventLoopActor static func check(_ arguments: [String]) async {
        let count = arguments.first.flatMap { Int($0) } ?? 1000
        do {
            try ThisProcess.raiseOpenFiles()
            // The first ones pay for what all share.
            var peers = try await open(50)
            let before = try allocated()
            let more = try await open(count)
            let after = try allocated()
            peers += more
            LoopProbe.report("octets \((after - before) / count)")
            _exit(0)
        } catch {
            Diagnostics.fail("\(error)")
        }
    }

    /// Sessions that have had a command and wait for the next; returns the descriptors of their clients.
    @EventLoopActor private static func open(_ count: Int) async throws(SystemError) -> [CInt] {
        var clients: [CInt] = []
        for _ in 0..<count {
            let pair = try LocalSocket.pair()
            let stream = ByteStream(adopting: pair.first)
            spawn { await session(stream) }
            let client = pair.second.release()
            try Files.writeAll(raw: client, [0x78])
            clients.append(client)
        }
        await pause(until: .now() + .milliseconds(50))
        return clients
    }

    @EventLoopActor private static func session(_ stream: ByteStream) async {
        while case .bytes(let bytes) = await stream.read(deadline: .now() + 300) {
            guard await stream.write(bytes, deadline: .now() + 300) == .written else { return }
        }
    }

    /// What the kernel really holds for us, in octets: the resident pages of statm.
    private static func allocated() throws(SystemError) -> Int {
        let columns = try Files.read("/proc/self/statm").split(separator: 0x20)
        guard columns.count > 1, let pages = Int(String(decoding: columns[1], as: UTF8.self)) else {
            throw SystemError("statm", code: EINVAL)
        }
        return pages * sysconf(CInt(_SC_PAGESIZE))
    }
}
