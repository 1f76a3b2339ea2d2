import Filters
import SMTPProtocol

/// What a program has registered for, in the form in which every event and every command asks for it.
struct FilterRegistration {
    /// A bit for each phase, and for each event of either subsystem.
    private var phases: UInt32 = 0
    private var incoming: UInt32 = 0
    private var outgoing: UInt32 = 0

    init(_ registration: FilterProgram.Registration) {
        for phase in registration.phases { phases |= Self.bit(phase) }
        for name in registration.reports[.incoming] ?? [] { incoming |= Self.bit(name) }
        for name in registration.reports[.outgoing] ?? [] { outgoing |= Self.bit(name) }
    }

    func wants(_ phase: FilterPhase) -> Bool { phases & Self.bit(phase) != 0 }

    func wants(_ event: ReportEvent.Name, in subsystem: FilterSubsystem) -> Bool {
        switch subsystem {
        case .incoming: incoming & Self.bit(event) != 0
        case .outgoing: outgoing & Self.bit(event) != 0
        }
    }

    private static func bit(_ phase: FilterPhase) -> UInt32 { 1 << UInt32(phase.rawValue) }

    private static func bit(_ event: ReportEvent.Name) -> UInt32 { 1 << UInt32(event.rawValue) }
}
