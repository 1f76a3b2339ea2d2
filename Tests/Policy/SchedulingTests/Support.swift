import Envelopes

@testable import Scheduling

/// A seeded generator: a failure can be seen again.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// The envelope with this number of message 0x100 (or another).
func envelope(_ number: UInt32, of message: UInt32 = 0x100) -> EnvelopeID {
    EnvelopeID(rawValue: UInt64(message) << 32 | UInt64(number))!
}

let day: Int64 = 86_400

/// A scheduler whose retries fall exactly on the curve.
func exactScheduler(now: Int64 = 0, _ change: (inout SchedulerSettings) -> Void = { _ in }) -> Scheduler {
    var settings = SchedulerSettings()
    settings.maximumJitter = 0
    change(&settings)
    return Scheduler(settings: settings, now: now)
}

extension Scheduler {
    /// Everything due at a moment, tick by tick.
    mutating func drain(now: Int64) -> [SchedulerOutput] {
        var all: [SchedulerOutput] = []
        while true {
            let outputs = tick(now: now)
            if outputs.isEmpty { return all }
            all += outputs
        }
    }

    /// The envelopes handed out at a moment.
    mutating func deliveries(now: Int64) -> [EnvelopeID] {
        drain(now: now).flatMap { output -> [EnvelopeID] in
            if case .deliver(let ids) = output { ids } else { [] }
        }
    }
}
