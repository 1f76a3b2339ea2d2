import Configuration
import Envelopes
import Glibc
import SeededTesting
import Testing

@testable import Routing

/// `MARTLET_SIMULATIONS=N` runs N worlds, five times as large and with ten times the mail.
@Suite("Weeks of mail to thousands of hosts, in virtual time") struct SimulationTests {
    private static let worlds: Int = getenv("MARTLET_SIMULATIONS").flatMap { Int(String(cString: $0)) } ?? 0

    @Test func `nothing is lost, nothing comes twice without need, limits hold, and the queue drains`() throws {
        for world in 0..<max(1, Self.worlds) {
            let size = Simulation.Size(
                domains: Self.worlds > 0 ? 5_000 : 1_000, messages: Self.worlds > 0 ? 20_000 : 2_000, days: 14)
            var simulation = Simulation(size, seed: UInt64(world) + 1)
            // The last message may live for four days.
            simulation.run(days: 19)
            let faults = simulation.faults
            #expect(faults.isEmpty, "seed \(world + 1): \(faults.prefix(5))")
            let (hasEnded, peak) = (simulation.hasEnded, simulation.peak)
            #expect(hasEnded, "seed \(world + 1): \(simulation.scheduler.count) envelopes are left")
            // The limits were reached, or nothing of them is proven.
            #expect(peak == MTALimits().connectionsPerRoute)
            try check(simulation)

            // What was learnt is forgotten in time.
            simulation.run(days: 21)
            let router = simulation.router
            #expect(router.relays.isEmpty && router.relayNumbers.isEmpty && router.connections.isEmpty && router.transfers.isEmpty)
            #expect(router.dials.isEmpty && router.routes.isEmpty && router.routeKeys.isEmpty && router.hosts.isEmpty)
            #expect(router.domains.isEmpty && router.hintCount == 0 && router.openQuestions.isEmpty && router.timers.count == 0)
            #expect(router.domainUse.isEmpty && router.limitQueues.isEmpty)
        }
    }

    private func check(_ simulation: Simulation) throws {
        var ends: [Simulation.Letter.End: Int] = [:]
        var doubles = 0
        for (id, letter) in simulation.letters {
            let end = try #require(letter.end, "\(id) has no end")
            ends[end, default: 0] += 1
            if letter.copies > 1 { doubles += 1 }
            // Who has only sound servers gets all mail.
            if simulation.isAll(.good, letter.domain), end != .delivered {
                // But for names that the DNS does not have.
                #expect(letter.domain % 97 == 5 || letter.domain % 97 == 6, "\(id) \(end)")
            }
        }
        // The world is as it should be: most mail arrives, some cannot.
        #expect(ends[.delivered, default: 0] > simulation.letters.count / 2)
        #expect(ends[.failed, default: 0] > 0 && ends[.expired, default: 0] > 0)
        #expect(doubles > 0)
    }

    @Test func `mail for sound hosts does not wait for that of others`() {
        var simulation = Simulation(Simulation.Size(domains: 400, messages: 800, days: 1), seed: 99)
        var waits: [Double] = []
        simulation.run(hours: 30)
        for letter in simulation.letters.values where simulation.isAll(.good, letter.domain) {
            guard let arrival = letter.arrival else { continue }
            waits.append(Double(arrival.milliseconds - letter.submitted.milliseconds) / 1_000)
        }
        waits.sort()
        #expect(waits.count > 100)
        // Questions to the DNS fail at times, and such mail comes with the next try.
        #expect(waits[waits.count / 2] < 2, "\(waits[waits.count / 2])")
        #expect(waits[waits.count * 95 / 100] < 60, "\(waits[waits.count * 95 / 100])")
    }
}
