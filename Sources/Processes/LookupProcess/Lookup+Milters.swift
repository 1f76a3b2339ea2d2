import Configuration
import EventLoop
import MailSyntax
import Platform
import RoleProcess

/// The function of EventLoop: a role has another one of that name.
@EventLoopActor private func open(
    _ address: SocketAddress, _ deadline: MonotonicInstant
) async throws(SystemError) -> OwnedDescriptor {
    try await connect(to: address, deadline: deadline)
}

/// Connections to milters, made here because the dispatcher sees neither names of hosts nor paths: it speaks, over a
/// socket that it is given.
extension LookupProcess {
    /// Connects to the milter of a filter, and answers the dispatcher in any case.
    func connectMilter(_ filter: String, for request: UInt64) async {
        guard let definition = view?.filters.first(where: { $0.name == filter }), case .milter(let settings) = definition.kind
        else {
            // A session that began before a reload may ask for what is gone.
            dispatcher?.send(.milter(request: request, failure: "no such milter"))
            return
        }
        let deadline = MonotonicInstant.now() + .seconds(settings.connectTimeout)
        do throws(MilterUnreachable) {
            let socket = try await connection(to: settings.address, deadline)
            dispatcher?.send(.milter(request: request, failure: nil), descriptor: socket)
        } catch {
            dispatcher?.send(.milter(request: request, failure: error.reason))
        }
    }

    private struct MilterUnreachable: Error {
        var reason: String
    }

    private func connection(
        to address: MilterAddress, _ deadline: MonotonicInstant
    ) async throws(MilterUnreachable) -> OwnedDescriptor {
        var reason = "no address"
        for candidate in try await socketAddresses(of: address) {
            do throws(SystemError) {
                let socket = try await open(candidate, deadline)
                // Steps are small and each is waited for; a Unix socket has no such delay to be taken off.
                if case .network = address { try Sockets.setNoDelay(socket.raw) }
                return socket
            } catch {
                reason = "\(error)"
            }
        }
        throw MilterUnreachable(reason: reason)
    }

    private func socketAddresses(of address: MilterAddress) async throws(MilterUnreachable) -> [SocketAddress] {
        switch address {
        case .local(let path): return [.local(path: path)]
        case .network(let host, let port, let isV6):
            if let numeric = SocketAddress(numeric: host, port: port) { return [numeric] }
            guard let name = try? Domain(validating: Array(host.utf8)) else {
                throw MilterUnreachable(reason: "\(host) is no host name")
            }
            switch await addresses(of: name) {
            case .found(let found, _):
                return found.compactMap { SocketAddress(octets: $0.octets, port: port) }.filter {
                    if case .ipv4 = $0 { !isV6 } else { true }
                }
            case .missing: throw MilterUnreachable(reason: "\(host) has no address")
            case .invalidName: throw MilterUnreachable(reason: "\(host) is no host name")
            case .failed(let text): throw MilterUnreachable(reason: "\(host): \(text)")
            }
        }
    }
}
