import MailSyntax
import WireFormat

/// What the parent gives the dispatcher: sockets it was allowed to bind, agents, certificates, and filter programs.
package enum ParentToDispatcher: WireMessage, Hashable {
    /// A bound, listening socket comes along.
    case listener(ListenerSocket)
    /// After a reload: the sockets with these ids (``ListenerSocket/id``) stay, all others are closed.
    case closeListeners(except: [UInt32])
    /// The socket to the new agent comes along; the agent runs as this user.
    case agent(request: UInt64, user: UserEntry)
    /// No agent, and why in one printable line. Permanent: no later try would do better.
    case agentRefused(request: UInt64, isPermanent: Bool, reason: String)
    /// Takes the place of what was sent before, at the next ``closeListeners(except:)``.
    case credentials(Credentials)
    /// A filter program runs; the socket that is its standard input and output comes along. The instance numbers its
    /// starts, of all programs.
    case filterStarted(name: String, instance: UInt32)
    /// The pipe from its standard error comes along.
    case filterErrors(name: String, instance: UInt32)
    /// No new session is to be filtered by it: the configuration has it no more, or has changed it. Sessions that are
    /// open may finish.
    case filterRetired(name: String, instance: UInt32)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .listener(let socket):
            writer.write(UInt8(1))
            socket.encode(into: &writer)
        case .closeListeners(let except):
            writer.write(UInt8(2))
            writer.write(list: except) { $1.write($0) }
        case .agent(let request, let user):
            writer.write(UInt8(3))
            writer.write(request)
            user.encode(into: &writer)
        case .agentRefused(let request, let isPermanent, let reason):
            writer.write(UInt8(4))
            writer.write(request)
            writer.write(isPermanent)
            writer.write(line: reason)
        case .credentials(let credentials):
            writer.write(UInt8(5))
            credentials.encode(into: &writer)
        case .filterStarted(let name, let instance):
            writer.write(UInt8(40))
            writer.write(name)
            writer.write(instance)
        case .filterErrors(let name, let instance):
            writer.write(UInt8(41))
            writer.write(name)
            writer.write(instance)
        case .filterRetired(let name, let instance):
            writer.write(UInt8(42))
            writer.write(name)
            writer.write(instance)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .listener(try ListenerSocket(from: &reader))
        case 2:
            self = .closeListeners(
                except: try reader.readList { reader throws(WireError) in try reader.readUInt32() })
        case 3: self = .agent(request: try reader.readUInt64(), user: try UserEntry(from: &reader))
        case 4:
            self = .agentRefused(
                request: try reader.readUInt64(),
                isPermanent: try reader.readBool(),
                reason: try reader.readLine())
        case 5: self = .credentials(try Credentials(from: &reader))
        case 40: self = .filterStarted(name: try reader.readName(), instance: try reader.readUInt32())
        case 41: self = .filterErrors(name: try reader.readName(), instance: try reader.readUInt32())
        case 42: self = .filterRetired(name: try reader.readName(), instance: try reader.readUInt32())
        case let kind: throw .unknownValue(UInt64(kind), for: "ParentToDispatcher")
        }
    }
}

/// One bound socket of a listener.
package struct ListenerSocket: WireMessage, Hashable {
    /// Names the socket for as long as the daemon runs.
    package var id: UInt32
    /// Its place in the listeners of the configuration sent before.
    package var listener: UInt32
    /// What it is bound to.
    package var address: IPAddress
    /// The TCP port.
    package var port: UInt16

    package init(id: UInt32, listener: UInt32, address: IPAddress, port: UInt16) {
        self.id = id
        self.listener = listener
        self.address = address
        self.port = port
    }

    package func encode(into writer: inout WireWriter) {
        writer.write(id)
        writer.write(listener)
        address.encode(into: &writer)
        writer.write(port)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            id: try reader.readUInt32(),
            listener: try reader.readUInt32(),
            address: try IPAddress(from: &reader),
            port: try reader.readUInt16())
    }
}
