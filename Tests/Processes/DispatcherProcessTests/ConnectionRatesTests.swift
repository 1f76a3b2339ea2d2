import MailSyntax
import Testing

@testable import DispatcherProcess

@Suite("connections of one client network within a minute") struct ConnectionRatesTests {
    private let client = IPAddress.v4(0xC000_0201)

    /// Connections that are welcome at this second.
    private func welcome(_ rates: inout ConnectionRates, at second: Int64, of tries: Int = 1_000) -> Int {
        (0..<tries).count { _ in rates.takes(client, at: second) }
    }

    @Test func `a minute's worth may come at once, and one more is too many`() {
        var rates = ConnectionRates()
        rates.perMinute = 60
        #expect(welcome(&rates, at: 100) == 60)
        #expect(welcome(&rates, at: 101) == 1)
        #expect(welcome(&rates, at: 111) == 10)
        #expect(welcome(&rates, at: 1_000_000) == 60, "never more than a minute's worth")
    }

    @Test func `a limit below one a second is kept too`() {
        var rates = ConnectionRates()
        rates.perMinute = 2
        #expect(welcome(&rates, at: 0) == 2)
        #expect(welcome(&rates, at: 29) == 0)
        #expect(welcome(&rates, at: 30) == 1)
    }

    @Test func `clients do not take from each other`() {
        var rates = ConnectionRates()
        rates.perMinute = 1
        let answers = [client, client, .v4(1)].map { rates.takes($0, at: 0) }
        #expect(answers == [true, false, true])
    }

    @Test func `no limit counts nothing`() {
        var rates = ConnectionRates()
        #expect(welcome(&rates, at: 0) == 1_000)
        #expect(rates.count == 0)
    }

    @Test func `a clock that stands still or jumps makes nothing overflow`() {
        var rates = ConnectionRates()
        rates.perMinute = Int(Int32.max)
        let answers = [Int64.max, 0, .max].map { rates.takes(client, at: $0) }
        #expect(answers == [true, true, true])
    }

    @Test func `memory is bounded however many networks connect`() {
        var rates = ConnectionRates()
        rates.perMinute = 10
        for number in 0..<UInt32(3 * ConnectionRates.capacity) {
            _ = rates.takes(.v4(number), at: Int64(number / 10_000))
            if rates.count > ConnectionRates.capacity { break }
        }
        #expect(rates.count <= ConnectionRates.capacity)
    }
}
