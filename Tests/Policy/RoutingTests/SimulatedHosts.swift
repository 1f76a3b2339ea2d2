import MailSyntax
import Routing
import SeededTesting

/// A host of a simulated world, and how it behaves.
struct SimulatedHost {
    enum Character: CaseIterable {
        case good
        /// Takes its time for each step, up to a minute.
        case slow
        /// Refuses each envelope at first, and says when to come again.
        case greylisting
        /// Takes connections, and breaks them anywhere: at the greeting, in the middle, behind the final dot.
        case lying
        /// Refuses sessions beyond a few with 421, and ends those it has after some messages.
        case crowded
        /// Takes few recipients of a transaction at a time.
        case narrow
        /// Cannot be reached; some are back after a while.
        case dead
        /// Offers STARTTLS that does not work.
        case insecure
        /// Refuses every recipient, for good.
        case refusing
    }

    let character: Character
    /// From when on a dead one lives.
    let revival: Moment?
    var connections = 0
    /// When a route of it was connected to last.
    var lastConnection: Moment?
    /// Copies that it has taken, by envelope.
    var visits: Set<UInt64> = []

    func isDead(_ now: Moment) -> Bool { character == .dead && revival.map { now < $0 } ?? true }
}

/// What a host does with one thing that it is told.
struct Scripts {
    var random: SplitMix64

    mutating func chance(_ percent: Int) -> Bool { random.next(below: 100) < percent }

    /// Milliseconds for a step of a session.
    mutating func delay(_ host: SimulatedHost) -> Int64 {
        switch host.character {
        case .slow: Int64(500 + random.next(below: 60_000))
        case .good, .greylisting, .lying, .crowded, .narrow, .dead, .insecure, .refusing: Int64(5 + random.next(below: 150))
        }
    }
}
