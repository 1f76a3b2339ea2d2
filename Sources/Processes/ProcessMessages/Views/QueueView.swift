import WireFormat

/// What the queue may know of the configuration: how long messages are tried, and the server's name for reports.
package struct QueueView: WireMessage, Hashable {
    /// Who reports are from.
    package var serverName: String
    /// Seconds that an envelope is tried, unless its action says otherwise.
    package var timeToLive: Int64
    /// The actions that do.
    package var actionTimes: [ActionTime]

    package init(serverName: String, timeToLive: Int64, actionTimes: [ActionTime]) {
        self.serverName = serverName
        self.timeToLive = timeToLive
        self.actionTimes = actionTimes
    }

    package func encode(into writer: inout WireWriter) {
        writer.write(line: serverName)
        writer.write(timeToLive)
        writer.write(list: actionTimes) { $0.encode(into: &$1) }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            serverName: try reader.readLine(),
            timeToLive: try reader.readDuration(),
            actionTimes: try reader.readList { reader throws(WireError) in try ActionTime(from: &reader) })
    }
}

extension QueueView {
    /// Seconds that envelopes of an action are tried.
    package func timeToLive(ofAction name: String) -> Int64 {
        actionTimes.first { $0.action == name }?.timeToLive ?? timeToLive
    }
}

/// The time to live that an action sets itself.
package struct ActionTime: WireMessage, Hashable {
    /// The name of the action.
    package var action: String
    /// In seconds.
    package var timeToLive: Int64

    package init(action: String, timeToLive: Int64) {
        self.action = action
        self.timeToLive = timeToLive
    }

    package func encode(into writer: inout WireWriter) {
        writer.write(action)
        writer.write(timeToLive)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(action: try reader.readName(), timeToLive: try reader.readDuration())
    }
}
