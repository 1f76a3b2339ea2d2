import EventLoop
import Glibc
import Platform

/// Accepting while the table of descriptors is full.
enum Exhausted {
    @EventLoopActor static func check() async {
        do throws(SystemError) {
            let listener = try ListeningSocket.internet(.ipv4([127, 0, 0, 1], port: 0))
            let address = try Sockets.localAddress(listener.raw)
            var accepted: [CInt] = []
            let acceptor = try Acceptor(adopting: listener) { connection, _ in accepted.append(connection.release()) }
            acceptor.pause()
            for _ in 0..<3 { _ = try ConnectingSocket.wait(to: address, timeout: 1000).release() }
            let before = try limit(to: 0)
            acceptor.resume()
            let start = cpuMilliseconds()
            await pause(until: .now() + .milliseconds(100))
            LoopProbe.report("accepted \(accepted.count)")
            LoopProbe.report("spun \(cpuMilliseconds() - start > 50)")
            _ = try limit(to: before)
            acceptor.resume()
            await pause(until: .now() + .milliseconds(20))
            LoopProbe.report("accepted \(accepted.count)")
        } catch {
            Diagnostics.fail("\(error)")
        }
    }

    /// The same where somebody wants to tell those that come: each is told, and accepting goes on as soon as it can.
    @EventLoopActor static func turnAway() async {
        do throws(SystemError) {
            let listener = try ListeningSocket.internet(.ipv4([127, 0, 0, 1], port: 0))
            let address = try Sockets.localAddress(listener.raw)
            var accepted: [CInt] = []
            var turnedAway = 0
            let acceptor = try Acceptor(
                adopting: listener, onExhaustion: { _, _ in turnedAway += 1 },
                onAccept: { connection, _ in accepted.append(connection.release()) })
            acceptor.pause()
            for _ in 0..<3 { _ = try ConnectingSocket.wait(to: address, timeout: 1000).release() }
            _ = try limit(to: 64)
            var filling: [CInt] = []
            while true {
                let copy = dup(0)
                guard copy >= 0 else { break }
                filling.append(copy)
            }
            acceptor.resume()
            await pause(until: .now() + .milliseconds(50))
            LoopProbe.report("accepted \(accepted.count), turned away \(turnedAway)")
            for copy in filling { close(copy) }
            _ = try ConnectingSocket.wait(to: address, timeout: 1000).release()
            await pause(until: .now() + .milliseconds(50))
            LoopProbe.report("accepted \(accepted.count), turned away \(turnedAway)")
        } catch {
            Diagnostics.fail("\(error)")
        }
    }

    /// Sets the soft limit of descriptors; returns the former one. Those that are open stay.
    private static func limit(to count: rlim_t) throws(SystemError) -> rlim_t {
        var limit = rlimit()
        _ = try checked("getrlimit") { getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
        let before = limit.rlim_cur
        limit.rlim_cur = count
        _ = try checked("setrlimit") { setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
        return before
    }

    private static func cpuMilliseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }
}
