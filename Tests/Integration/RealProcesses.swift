import Testing

/// Tests with real processes, one after the other: each has a whole server for itself, and two of those at a
/// time would measure the machine.
@Suite(.serialized) enum RealProcesses {}
