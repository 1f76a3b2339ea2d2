@testable import ParentProcess
import Testing

@Suite("Which offline messages are handed in when") struct OfflineScheduleTests {
    private func name(_ time: Int, _ number: Int = 0) -> String {
        let digits = String(number, radix: 16)
        return "\(time)." + String(repeating: "0", count: 16 - digits.count) + digits
    }

    private func filled(_ count: Int, owners: Int) -> OfflineSchedule {
        var schedule = OfflineSchedule()
        for name in schedule.due(in: (0..<count).map { name(1_700_000_000, $0) }, at: 0).names.enumerated() {
            schedule.add(.init(name: name.element, owner: UInt32(name.offset % owners)))
        }
        return schedule
    }

    @Test(arguments: [
        ("1700000000.0123456789abcdef", true), ("1.0123456789abcdef", true), ("1700000000.0123456789abcde", false),
        ("1700000000.0123456789abcdef0", false), ("1700000000.0123456789ABCDEF", false), (".0123456789abcdef", false),
        ("1700000000", false), ("", false), (".", false), ("a.0123456789abcdef", false),
        ("1700000000.0123456789abcdef.x", false), ("123456789012345678901.0123456789abcdef", false),
    ])
    func `names are a time and a random number`(_ name: String, _ isMessage: Bool) {
        #expect(OfflineSchedule.isMessage(name) == isMessage)
        #expect(OfflineSchedule.isUnfinished("." + name) == isMessage)
        #expect(!OfflineSchedule.isUnfinished(name))
    }

    @Test func `the oldest come first, and names that are none are left alone`() {
        var schedule = OfflineSchedule()
        let listing = [name(1_700_000_002), ".\(name(1_700_000_000))", "README", name(1_700_000_001)]
        let due = schedule.due(in: listing, at: 0)
        #expect(due.names == [name(1_700_000_001), name(1_700_000_002)])
        #expect(!due.areMore)
    }

    @Test func `five at once, and one more when one ends`() {
        var schedule = filled(10, owners: 10)
        var started = (0..<10).compactMap { _ in schedule.next()?.name }
        #expect(started.count == OfflineSchedule.simultaneous)
        schedule.settle(started.removeFirst())
        #expect(schedule.next() != nil)
        #expect(schedule.next() == nil)
    }

    @Test func `three of one user, while others go on`() {
        var schedule = OfflineSchedule()
        let names = schedule.due(in: (0..<6).map { name(1, $0) }, at: 0).names
        for name in names.dropLast() { schedule.add(.init(name: name, owner: 1)) }
        schedule.add(.init(name: names[5], owner: 2))
        let started = (0..<6).compactMap { _ in schedule.next() }
        #expect(started.map(\.owner) == [1, 1, 1, 2])
    }

    @Test func `what waits or runs is not due again`() {
        var schedule = OfflineSchedule()
        let listing = [name(1, 1), name(1, 2)]
        for name in schedule.due(in: listing, at: 0).names { schedule.add(.init(name: name, owner: 1)) }
        _ = schedule.next()
        #expect(schedule.due(in: listing, at: 1000).names.isEmpty)
        #expect(!schedule.isIdle)
    }

    @Test func `failures are tried after longer and longer pauses, up to an hour`() {
        var schedule = OfflineSchedule()
        let listing = [name(1)]
        var now: Int64 = 0
        for expected in [30, 60, 120, 240, 480, 960, 1920, 3600, 3600] as [Int64] {
            #expect(schedule.due(in: listing, at: now).names == listing)
            schedule.add(.init(name: listing[0], owner: 1))
            _ = schedule.next()
            #expect(schedule.postpone(listing[0], at: now) == expected)
            #expect(schedule.due(in: listing, at: now + expected - 1).names.isEmpty)
            now += expected
        }
    }

    @Test func `a message that has gone is forgotten with its failures`() {
        var schedule = OfflineSchedule()
        schedule.postpone(name(1), at: 0)
        #expect(schedule.due(in: [name(1)], at: 1).names.isEmpty)
        #expect(schedule.due(in: [], at: 1).names.isEmpty)
        #expect(schedule.due(in: [name(1)], at: 1).names.count == 1)
    }

    @Test func `one that cannot be removed is never sent again`() {
        var schedule = OfflineSchedule()
        schedule.abandon(name(1))
        #expect(schedule.due(in: [name(1)], at: .max - 1).names.isEmpty)
    }

    @Test func `a big directory is taken in parts`() {
        var schedule = OfflineSchedule()
        let listing = (0...OfflineSchedule.batch).map { name(1, $0) }
        let due = schedule.due(in: listing, at: 0)
        #expect(due.names.count == OfflineSchedule.batch)
        #expect(due.areMore)
        #expect(!schedule.due(in: Array(listing.dropLast()), at: 0).areMore)
    }
}
