import Authentication
import Testing

@Suite("Failures of a client over time") struct FailureLedgerTests {
    @Test func `the limit locks out, one less does not`() {
        var ledger = FailureLedger<Int>(limit: 3, window: 600)
        for _ in 1...2 { ledger.failed(1, now: 100) }
        #expect(!ledger.isLockedOut(1, now: 100))
        ledger.failed(1, now: 100)
        #expect(ledger.isLockedOut(1, now: 100))
        #expect(!ledger.isLockedOut(2, now: 100))
    }

    @Test func `a bucket empties by one in each part of the window`() {
        var ledger = FailureLedger<Int>(limit: 3, window: 600)
        for _ in 1...3 { ledger.failed(1, now: 0) }
        #expect(ledger.isLockedOut(1, now: 199))
        #expect(!ledger.isLockedOut(1, now: 200))
        ledger.failed(1, now: 200)
        #expect(ledger.isLockedOut(1, now: 200))
        #expect(!ledger.isLockedOut(1, now: 800))
    }

    @Test func `who goes on trying is not locked out for longer`() {
        var ledger = FailureLedger<Int>(limit: 3, window: 600)
        for _ in 1...1_000 { ledger.failed(1, now: 0) }
        #expect(!ledger.isLockedOut(1, now: 200))
    }

    @Test func `no limit locks nobody out and remembers nobody`() {
        var ledger = FailureLedger<Int>(limit: 0)
        for _ in 1...100 { ledger.failed(1, now: 0) }
        #expect(!ledger.isLockedOut(1, now: 0))
        #expect(ledger.count == 0)
    }

    @Test func `memory is bounded, and the worst are remembered`() {
        var ledger = FailureLedger<Int>(limit: 5, window: 600, capacity: 100)
        for _ in 1...5 { ledger.failed(-1, now: 0) }
        for client in 0..<10_000 {
            ledger.failed(client, now: 1)
            #expect(ledger.count <= 100)
        }
        #expect(ledger.isLockedOut(-1, now: 1))
    }

    @Test func `those whose time is over are forgotten first`() {
        var ledger = FailureLedger<Int>(limit: 5, window: 600, capacity: 2)
        ledger.failed(1, now: 0)
        ledger.failed(2, now: 1_000)
        ledger.failed(3, now: 1_000)
        #expect(ledger.count == 2)
        for _ in 1...4 { ledger.failed(2, now: 1_000) }
        #expect(ledger.isLockedOut(2, now: 1_000))
    }

    @Test func `a clock that goes back changes nothing`() {
        var ledger = FailureLedger<Int>(limit: 1)
        ledger.failed(1, now: 1_000)
        #expect(ledger.isLockedOut(1, now: 0))
    }
}
