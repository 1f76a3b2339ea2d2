import Configuration
import WireFormat

/// What the dispatcher may know of the configuration: listeners, actions, limits; no secrets.
package struct DispatcherView: WireMessage, Hashable {
    package var serverName: String
    package var listeners: [Listener]
    package var submission: Listener
    package var actions: [NamedAction]
    package var maximumMessageSize: Int64
    package var maximumRecipients: Int
    package var maximumMails: Int
    package var mda: MDALimits
    package var generation: Generation
    package var subaddressDelimiter: UInt8

    package init(serverName: String, listeners: [Listener], submission: Listener, actions: [NamedAction], maximumMessageSize: Int64, maximumRecipients: Int, maximumMails: Int, mda: MDALimits, generation: Generation, subaddressDelimiter: UInt8) {
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
        writer.write(serverName)
        writer.write(list: listeners) { $0.encode(into: &$1) }
        submission.encode(into: &writer)
        writer.write(list: actions) { $0.encode(into: &$1) }
        writer.write(maximumMessageSize)
        writer.write(Int64(maximumRecipients))
        writer.write(Int64(maximumMails))
        mda.encode(into: &writer)
        generation.encode(into: &writer)
        writer.write(subaddressDelimiter)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            serverName: try reader.readString(),
            listeners: try reader.readList { reader throws(WireError) in try Listener(from: &reader) },
            submission: try Listener(from: &reader),
            actions: try reader.readList { reader throws(WireError) in try NamedAction(from: &reader) },
            maximumMessageSize: try reader.readInt64(),
            maximumRecipients: try readCount(&reader),
            maximumMails: try readCount(&reader),
            mda: try MDALimits(from: &reader),
            generation: try Generation(from: &reader),
            subaddressDelimiter: try reader.readUInt8())
    }
}
