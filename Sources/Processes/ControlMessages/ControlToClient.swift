import WireFormat

/// What the control process answers a client of its socket.
package enum ControlToClient: WireMessage, Hashable {
    /// From the next byte on this connection is an SMTP session. The server greets, and the client need not wait for that.
    case submissionReady
    /// A piece of what was asked for, to be printed as it is. Pieces end anywhere, also within a line.
    case output([UInt8])
    /// All output was sent.
    case end
    /// Carried out; the count is that of the envelopes concerned, 1 for other orders.
    case done(count: UInt64)
    /// Not carried out, and why, in one printable line.
    case failed(String)
    /// The client's user may not ask for this.
    case refused
    /// The client speaks another version than the daemon, whose version this is.
    case incompatible(version: UInt32)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .submissionReady:
            writer.write(UInt8(1))
        case .output(let bytes):
            writer.write(UInt8(2))
            writer.write(bytes)
        case .end:
            writer.write(UInt8(3))
        case .done(let count):
            writer.write(UInt8(4))
            writer.write(count)
        case .failed(let text):
            writer.write(UInt8(5))
            writer.write(line: text)
        case .refused:
            writer.write(UInt8(6))
        case .incompatible(let version):
            writer.write(UInt8(7))
            writer.write(version)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .submissionReady
        case 2: self = .output(try reader.readBytes())
        case 3: self = .end
        case 4: self = .done(count: try reader.readUInt64())
        case 5: self = .failed(try reader.readLine())
        case 6: self = .refused
        case 7: self = .incompatible(version: try reader.readUInt32())
        case let kind: throw .unknownValue(UInt64(kind), for: "ControlToClient")
        }
    }
}
