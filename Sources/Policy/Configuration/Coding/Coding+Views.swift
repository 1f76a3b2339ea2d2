// The views that travel from the parent to its children.

extension LookupView: BinaryRecord {
    static var blank: LookupView { LookupView(of: .blank) }
    static var fields: [BinaryField<Self>] {
        [
            .init(\.generation), .init(\.serverName), .init(\.tables), .init(\.rules), .init(\.actions),
            .init(\.filters), .init(\.srs), .init(\.subaddressDelimiter),
            .init(\.timeToLive), .init(\.dovecotSockets),
        ]
    }
}

extension QueueView: BinaryRecord {
    static var blank: QueueView { QueueView(of: .blank) }
    static var fields: [BinaryField<Self>] { [.init(\.serverName), .init(\.actions), .init(\.settings)] }
}

extension SchedulerView: BinaryRecord {
    static var blank: SchedulerView { SchedulerView(of: .blank) }
    static var fields: [BinaryField<Self>] {
        [.init(\.limits), .init(\.timeToLive), .init(\.bounceWarnIntervals), .init(\.maximumDeferred)]
    }
}

extension DispatcherView: BinaryRecord {
    static var blank: DispatcherView { DispatcherView(of: .blank) }
    static var fields: [BinaryField<Self>] {
        [
            .init(\.generation), .init(\.serverName), .init(\.listeners), .init(\.submission), .init(\.actions),
            .init(\.keyPairs), .init(\.authorities), .init(\.session), .init(\.mda), .init(\.mta),
            .init(\.filters), .init(\.filterProcesses), .init(\.admd),
        ]
    }
}

extension Configuration {
    /// What a view is made from before its fields are read.
    fileprivate static var blank: Configuration { Configuration(generation: .match, serverName: "") }
}
