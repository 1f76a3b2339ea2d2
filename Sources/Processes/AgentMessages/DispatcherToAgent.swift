import Envelopes
import WireFormat

/// What the dispatcher may say to a delivery agent: deliver these messages, as the user you already are.
///
/// There is no user and no group in it: an agent is started with its rights and cannot be asked to change
/// them. On the socket each value is one frame (``AgentFrame``); the descriptor of a body that does not
/// stand in the request travels on the first byte of its frame.
package enum DispatcherToAgent: Hashable, Sendable {
    /// Answered by exactly one ``AgentOutcome`` with the request's id.
    case deliver(DeliveryRequest)
    /// The server stops: commands that run for this many milliseconds more are ended and answered as failures for
    /// the time being, and none is begun; one that outlived the server would deliver what is delivered again.
    case endCommands(withinMilliseconds: UInt32)
}

extension DispatcherToAgent: WireMessage {
    private enum Kind: UInt8 {
        case deliver = 1
        case endCommands = 2
    }

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .deliver(let request):
            writer.write(Kind.deliver.rawValue)
            request.encode(into: &writer)
        case .endCommands(let milliseconds):
            writer.write(Kind.endCommands.rawValue)
            writer.write(milliseconds)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        let kind = try reader.readUInt8()
        switch Kind(rawValue: kind) {
        case .deliver: self = .deliver(try DeliveryRequest(from: &reader))
        case .endCommands: self = .endCommands(withinMilliseconds: try reader.readUInt32())
        case nil: throw .unknownValue(UInt64(kind), for: "message to an agent")
        }
    }
}

/// How both directions are cut into frames: four bytes of length in network order, then that many bytes of
/// message.
package enum AgentFrame {
    /// The longest message in a frame, in bytes. Both sides close the socket when it is exceeded.
    package static let maximumLength = 1 << 20
    /// The longest body that may stand in a request, in bytes; a longer one is passed as a descriptor.
    /// It leaves room in the frame for everything else a request can hold.
    package static let maximumInlineBody = 128 << 10
    /// The length field, in bytes.
    package static let headerLength = 4
}
