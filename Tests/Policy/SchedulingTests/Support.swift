import Envelopes

@testable import Scheduling

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
            if case .deliver(let ids, _) = output { ids } else { [] }
        }
    }
}
