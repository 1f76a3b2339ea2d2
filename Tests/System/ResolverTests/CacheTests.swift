import EventLoop
import SeededTesting
import Testing

@testable import Resolver

private func at(_ seconds: Int64) -> MonotonicInstant { MonotonicInstant(nanoseconds: seconds * 1_000_000_000) }

private func answer(_ timeToLive: UInt32, octets: Int = 4) -> DNSResult {
    .found(DNSAnswer([.text([UInt8](repeating: 1, count: octets))], owner: name("a"), timeToLive: timeToLive, isAuthenticated: false))
}

private func question(_ number: Int) -> DNSQuestion { DNSQuestion(name("n\(number).example"), .address4) }

@Suite("What is remembered (RFC 2308, RFC 9520)") struct CacheTests {
    @Test(arguments: [
        (answer(300), 300), (.noData(timeToLive: 60), 60), (.noSuchName(timeToLive: 30), 30), (.failed(.serverFailure), 5),
        (.failed(.timedOut), 5),
    ] as [(DNSResult, Int64)])
    func `a result holds as long as it says`(_ result: DNSResult, _ seconds: Int64) {
        var cache = DNSCache()
        cache.insert(result, for: question(1), at: at(1_000))
        #expect(cache.result(for: question(1), at: at(1_000 + seconds - 1)) == result)
        #expect(cache.result(for: question(1), at: at(1_000 + seconds)) == nil)
        #expect(cache.result(for: DNSQuestion(question(1).name, .address6), at: at(1_000)) == nil)
    }

    @Test(arguments: [answer(0), .noData(timeToLive: 0), .noSuchName(timeToLive: 0), .failed(.overloaded)] as [DNSResult])
    func `what may not be kept is not, and replaces what was`(_ result: DNSResult) {
        var cache = DNSCache()
        cache.insert(answer(300), for: question(1), at: at(0))
        cache.insert(result, for: question(1), at: at(1))
        #expect(cache.result(for: question(1), at: at(1)) == nil)
        cache.insert(result, for: question(2), at: at(1))
        #expect(cache.count == 1)
    }

    @Test func `when it is full, what nobody asked for again goes first`() {
        var cache = DNSCache(maximumEntries: 3)
        for number in 1...3 { cache.insert(answer(300), for: question(number), at: at(0)) }
        _ = cache.result(for: question(1), at: at(1))
        cache.insert(answer(300), for: question(4), at: at(1))
        #expect((1...4).map { cache.result(for: question($0), at: at(2)) != nil } == [true, false, true, true])
        #expect(cache.count == 3)
    }

    @Test func `memory is bounded, whatever is answered`() {
        var cache = DNSCache(maximumEntries: 1_000, maximumWeight: 100_000)
        for number in 0..<500 { cache.insert(answer(300, octets: 10_000), for: question(number), at: at(0)) }
        #expect(cache.count <= 10)
        cache.insert(answer(300, octets: 200_000), for: question(1_000), at: at(0))
        #expect(cache.count == 0)
        cache.insert(answer(300), for: question(1), at: at(0))
        #expect(cache.result(for: question(1), at: at(1)) != nil)
    }

    @Test func `it agrees with a simple model through thousands of steps`() {
        var generator = SplitMix64(seed: 11)
        var cache = DNSCache(maximumEntries: 50)
        var model: [DNSQuestion: (DNSResult, Int64)] = [:]
        var now: Int64 = 0
        for step in 0..<20_000 {
            now += Int64.random(in: 0...2, using: &generator)
            let asked = question(Int.random(in: 0..<200, using: &generator))
            if Bool.random(using: &generator) {
                let seconds = UInt32.random(in: 0...60, using: &generator)
                let result = answer(seconds, octets: step % 100)
                cache.insert(result, for: asked, at: at(now))
                model[asked] = (result, now + Int64(seconds))
            } else if let found = cache.result(for: asked, at: at(now)) {
                // It may have forgotten, but never remembers what is over or was replaced.
                #expect(model[asked]?.0 == found)
                #expect((model[asked]?.1 ?? 0) > now)
            }
            #expect(cache.count <= 50)
        }
    }
}
