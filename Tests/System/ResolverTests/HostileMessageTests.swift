import DNSTesting
import SeededTesting
import Testing

@testable import Resolver

/// Header and question for `a.example`, which begins at octet 12, and then an answer's octets.
private func message(answers: UInt8 = 1, _ rest: [UInt8]) -> [UInt8] {
    [0, 1, 0x81, 0x80, 0, 1, 0, answers, 0, 0, 0, 0] + wireName("a.example") + [0, 1, 0, 1] + rest
}

private let addressHead: [UInt8] = [0, 1, 0, 1, 0, 0, 0, 9, 0, 4]

@Suite("Hostile messages") struct HostileMessageTests {
    private func problem(_ message: [UInt8]) -> MalformedMessage? {
        do throws(MalformedMessage) {
            _ = try DNSResponse(message)
            return nil
        } catch {
            return error
        }
    }

    @Test func `a compressed name points to an earlier place`() {
        #expect(problem(message([0xC0, 12] + addressHead + [192, 0, 2, 1])) == nil)
        // The answer begins at octet 27.
        #expect(problem(message([0xC0, 27] + addressHead + [192, 0, 2, 1])) == .badPointer)
        #expect(problem(message([0xC0, 28] + addressHead + [192, 0, 2, 1])) == .badPointer)
        #expect(problem(message([0xFF, 0xFF] + addressHead + [192, 0, 2, 1])) == .badPointer)
        // A label, and then a pointer to that label.
        #expect(problem(message([1, 0x61, 0xC0, 27] + addressHead + [192, 0, 2, 1])) == .badPointer)
        #expect(problem(message([0xC0])) == .truncated)
    }

    @Test func `pointers that lead to pointers end`() {
        // An answer of another type whose content is a chain of pointers, each to the one before.
        var chain: [UInt8] = [0xC0, 12]
        let start = 27 + 1 + 10
        for index in 1..<400 { let at = start + 2 * (index - 1); chain += [0xC0 | UInt8(at >> 8), UInt8(at & 255)] }
        let content: [UInt8] = [0, 0, 99, 0, 1, 0, 0, 0, 0] + octets(of: UInt16(chain.count)) + chain
        let last = start + chain.count - 2
        let owner: [UInt8] = [0xC0 | UInt8(last >> 8), UInt8(last & 255)]
        #expect(problem(message(answers: 2, content + owner + addressHead + [192, 0, 2, 1])) == nil)
    }

    @Test func `a name has 255 octets at most, however it is put together`() {
        let label: [UInt8] = [63] + [UInt8](repeating: 0x61, count: 63)
        let long = label + label + label + [61] + [UInt8](repeating: 0x61, count: 61)
        #expect(problem(message(long + [0] + addressHead + [192, 0, 2, 1])) == nil)
        #expect(problem(message(long + [1, 0x61, 0] + addressHead + [192, 0, 2, 1])) == .nameTooLong)
        #expect(problem(message(long + [0xC0, 12] + addressHead + [192, 0, 2, 1])) == .nameTooLong)
    }

    @Test(arguments: [0x40, 0x80, 0xBF] as [UInt8]) func `labels of other kinds are refused`(_ kind: UInt8) {
        #expect(problem(message([kind, 0] + addressHead + [192, 0, 2, 1])) == .badLabel)
    }

    @Test func `a record is as long as it says`() {
        #expect(problem(message([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 3, 192, 0, 2])) == .truncated)
        #expect(problem(message([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 3, 192, 0, 2, 1])) == .badLength)
        #expect(problem(message([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 5, 192, 0, 2, 1, 0])) == .badLength)
        #expect(problem(message([0xC0, 12, 0, 99, 0, 1, 0, 0, 0, 9, 0xFF, 0xFF, 1])) == .truncated)
        // A string that is longer than its record, and one that is longer than the message.
        #expect(problem(message([0xC0, 12, 0, 16, 0, 1, 0, 0, 0, 9, 0, 2, 2, 0x61, 0x62])) == .badLength)
        #expect(problem(message([0xC0, 12, 0, 16, 0, 1, 0, 0, 0, 9, 0, 2, 200, 0x61])) == .truncated)
        // TLSA without its three numbers.
        #expect(problem(message([0xC0, 12, 0, 52, 0, 1, 0, 0, 0, 9, 0, 2, 3, 1])) == .truncated)
    }

    @Test func `counts that lie run into the end`() {
        #expect(problem(message(answers: 255, [0xC0, 12] + addressHead + [192, 0, 2, 1])) == .truncated)
        #expect(problem(Array(message([]).prefix(11))) == .truncated)
        var two = message(answers: 0, [])
        two[5] = 2
        #expect(problem(two) == .wrongQuestion)
    }

    @Test func `a question and other kinds of messages are no response`() {
        for flags: UInt8 in [0x01, 0x89, 0xA9] {
            var other = message(answers: 0, [])
            other[2] = flags
            #expect(problem(other) == .notAResponse)
        }
    }

    @Test func `of a truncated message nothing but the header is read`() {
        var cut = message(answers: 9, [0xC0])
        cut[2] |= 2
        #expect(problem(cut) == nil)
    }

    @Test func `thousands of damaged messages neither trap nor take long`() {
        var generator = SplitMix64(seed: 0x646E_73)
        let query = query("a.example", .mailExchange)
        let whole = NameServerQuery(query.bytes).reply(
            answers: [.cname("a.example", "b.example"), .mx("b.example", 5, "mx.b.example"), .txt("b.example", ["x", "y"]), .tlsa("b.example", [3, 1, 1, 9])],
            authority: [.soa("example", minimum: 5)],
            additional: [.a("mx.b.example", "192.0.2.1"), NameServerRecord("", type: 41, data: [])])
        var read = 0
        for _ in 0..<20_000 {
            var damaged = whole
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let index = Int.random(in: 0..<damaged.count, using: &generator)
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: damaged[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: damaged[index] = 0xC0 | damaged[index] & 1
                case 2: damaged.remove(at: index)
                case 3: damaged.insert(UInt8.random(in: 0...255, using: &generator), at: index)
                default: damaged.removeLast(min(damaged.count - 13, Int.random(in: 0...9, using: &generator)))
                }
            }
            _ = query.match(damaged)
            if let response = try? DNSResponse(damaged) {
                _ = response.result(for: query.question)
                read += 1
            }
        }
        #expect(read > 100)
        for _ in 0..<5_000 {
            let noise = (0..<Int.random(in: 0...80, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            _ = query.match(noise)
            _ = try? DNSResponse(noise)
        }
    }

    @Test func `the largest message full of names to unfold is read in bounded time`() throws {
        var long: [UInt8] = []
        for _ in 0..<3 { long += [63] + [UInt8](repeating: 0x61, count: 63) }
        var big = message([]) 
        let target = big.count + 12
        // The first record holds the long name, and thousands of others point to it.
        big += [0xC0, 12, 0, 12, 0, 1, 0, 0, 0, 9] + octets(of: UInt16(long.count + 1)) + long + [0]
        var count = 1
        while big.count + 14 <= 65_535 {
            big += [0xC0 | UInt8(target >> 8), UInt8(target & 255), 0, 12, 0, 1, 0, 0, 0, 9, 0, 2, 0xC0 | UInt8(target >> 8), UInt8(target & 255)]
            count += 1
        }
        (big[6], big[7]) = (UInt8(count >> 8), UInt8(count & 255))
        let clock = ContinuousClock()
        let time = try clock.measure {
            _ = try DNSResponse(big).result(for: DNSQuestion(name("a.example"), .pointer))
        }
        #expect(time < .seconds(2))
    }
}
