import ControlMessages
import EventLoop
import Platform
import ProcessMessages
import WireFormat

/// Connections of the control socket: who is there, one request after the other, an end to idlers.
extension ControlProcess {
    /// Simultaneous connections of one user; root has no limit.
    private static let maximumConnections = 128
    /// How long a client may take to ask, or to take its answer.
    private static let patience = Duration.seconds(60)

    func listen(on socket: consuming OwnedDescriptor) {
        do throws(SystemError) {
            acceptor = try Acceptor(adopting: socket) { [unowned self] connection, _ in admit(connection) }
        } catch {
            context.fail("control socket: \(error)")
        }
    }

    private func admit(_ connection: consuming OwnedDescriptor) {
        // One that is gone already has nobody to be told.
        guard let credentials = try? Sockets.peerCredentials(connection.raw) else { return }
        // Only for a group that may be asked about later; a kernel that does not tell knows no members.
        let groups = readersGroup == nil ? [] : (try? Sockets.peerGroups(connection.raw)) ?? []
        let peer = ControlPeer(credentials, groups: groups)
        let stream = ByteStream(adopting: connection)
        guard peer.user == 0 || clients[peer.user, default: 0] < Self.maximumConnections else {
            context.log.warning("control: too many connections of uid \(peer.user)")
            stream.close()
            return
        }
        clients[peer.user, default: 0] += 1
        sessionCount += 1
        spawn { [self] in
            await serve(ControlClientConnection(stream: stream, peer: peer))
            let left = clients[peer.user, default: 1] - 1
            clients[peer.user] = left > 0 ? left : nil
            acceptor?.resume()
        }
    }

    private func serve(_ client: ControlClientConnection) async {
        defer { client.stream.close() }
        var buffer = ControlFrameBuffer(longest: ControlFrame.longestRequest)
        var hasGreeted = false
        while true {
            switch await client.stream.read(deadline: .now() + Self.patience) {
            case .bytes(let bytes): buffer.append(bytes)
            case .end, .timedOut, .failed: return
            }
            do throws(WireError) {
                while let request = try buffer.next(ClientToControl.self) {
                    if case .hello(let version) = request {
                        guard version == ClientToControl.version else {
                            _ = await client.send(.incompatible(version: ClientToControl.version))
                            return
                        }
                        hasGreeted = true
                        continue
                    }
                    guard hasGreeted, await answer(request, to: client) else { return }
                }
            } catch {
                context.log.warning("control: malformed request of uid \(client.peer.user): \(error)")
                return
            }
        }
    }
}

/// One client of the control socket.
@EventLoopActor
final class ControlClientConnection {
    let stream: ByteStream
    let peer: ControlPeer

    init(stream: ByteStream, peer: ControlPeer) {
        self.stream = stream
        self.peer = peer
    }

    /// False when the client is gone or does not read.
    func send(_ answer: ControlToClient) async -> Bool {
        await stream.write(ControlFrame.bytes(answer), deadline: .now() + .seconds(60)) == .written
    }

    /// Output of any length, in pieces.
    func send(output bytes: [UInt8]) async -> Bool {
        var start = 0
        while start < bytes.count {
            let end = min(start + ControlFrame.outputPiece, bytes.count)
            guard await send(.output(Array(bytes[start..<end]))) else { return false }
            start = end
        }
        return true
    }
}
