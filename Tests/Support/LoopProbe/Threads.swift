import EventLoop
import Platform

/// Uses every way in which the runtime likes to start threads, and counts them.
enum Threads {
    @EventLoopActor static func check() async {
        async let first = square(3)
        async let second = square(4)
        let sum = await first + second
        let total = await withTaskGroup(of: Int.self) { group in
            for number in 1...10 { group.addTask { await square(number) } }
            var sum = 0
            while let number = await group.next() { sum += number }
            return sum
        }
        for _ in 0..<100 { await Task.yield() }
        let (stream, continuation) = AsyncStream.makeStream(of: Int.self)
        spawn {
            for number in 0..<10 {
                continuation.yield(number)
                await Task.yield()
            }
            continuation.finish()
        }
        var streamed = 0
        for await number in stream { streamed += number }
        let value = await Task { await square(5) }.value
        let detached = await Task.detached { 6 }.value
        await Helper().work()
        await pause(until: .now() + .milliseconds(5))
        LoopProbe.report("results \(sum) \(total) \(streamed) \(value) \(detached)")
        do { LoopProbe.report("threads \(try Files.list("/proc/self/task").count)") } catch { Diagnostics.fail("\(error)") }
    }

    private static func square(_ number: Int) async -> Int {
        await Task.yield()
        return number * number
    }

    /// An actor without an executor of its own.
    private actor Helper {
        func work() async { await Task.yield() }
    }
}
