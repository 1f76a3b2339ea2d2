import Configuration
import WireFormat

/// What the dispatcher may know of the configuration: listeners, actions, limits; no secrets.
package struct DispatcherView: WireMessage, Hashable {
    /// The host name to answer under where a listener's own is none.
    package var serverName: String
    /// ``ListenerSocket/listener`` is a place in this list.
    package var listeners: [Listener]
    /// What clients of the control socket are served by.
    package var submission: Listener
    /// All actions, in order of name.
    package var actions: [NamedAction]
    /// In bytes.
    package var maximumMessageSize: Int64
    /// Recipients of one transaction.
    package var maximumRecipients: Int
    /// Transactions of one session.
    package var maximumMails: Int
    /// Limits of deliveries on this machine.
    package var mda: MDALimits
    /// The grammar of the configuration, which decides what some failures mean.
    package var generation: Generation
    /// Between user and sub-address, such as `+`.
    package var subaddressDelimiter: UInt8

    package init(
        serverName: String, listeners: [Listener], submission: Listener, actions: [NamedAction],
        maximumMessageSize: Int64, maximumRecipients: Int, maximumMails: Int, mda: MDALimits,
        generation: Generation, subaddressDelimiter: UInt8
    ) {
        self.serverName = serverName
        self.listeners = listeners
        self.submission = submission
        self.actions = actions
        self.maximumMessageSize = maximumMessageSize
        self.maximumRecipients = maximumRecipients
        self.maximumMails = maximumMails
        self.mda = mda
        self.generation = generation
        self.subaddressDelimiter = subaddressDelimiter
    }

    package func encode(into writer: inout WireWriter) {
        writer.write(line: serverName)
        writer.write(list: listeners) { $0.encode(into: &$1) }
        submission.encode(into: &writer)
        writer.write(list: actions) { $0.encode(into: &$1) }
        writer.write(maximumMessageSize)
        writer.write(count: maximumRecipients)
        writer.write(count: maximumMails)
        mda.encode(into: &writer)
        generation.encode(into: &writer)
        writer.write(subaddressDelimiter)
    }

    /// - Throws: ``WireError/invalid(_:)`` for a negative size, besides what its fields throw.
    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            serverName: try reader.readLine(),
            listeners: try reader.readList { reader throws(WireError) in try Listener(from: &reader) },
            submission: try Listener(from: &reader),
            actions: try reader.readList { reader throws(WireError) in try NamedAction(from: &reader) },
            maximumMessageSize: try reader.readInt64(),
            maximumRecipients: try reader.readCount(),
            maximumMails: try reader.readCount(),
            mda: try MDALimits(from: &reader),
            generation: try Generation(from: &reader),
            subaddressDelimiter: try reader.readUInt8())
        guard maximumMessageSize >= 0 else { throw .invalid("size of a message") }
    }
}
