import Configuration
import EventLoop
import Glibc
import Platform
import ProcessMessages
import RoleProcess

/// What an operator sees of the daemon: who may look, where counters are served, what the parent counts itself.

/// A socket of `metrics on`, kept here so that a reload does not close it.
struct MetricsSocket {
    let endpoint: OperationSettings.MetricsEndpoint
    let descriptor: DescriptorBox
}

extension ParentProcess {
    /// Binds what `metrics on` asks for and is not bound; ``giveOperation()`` puts it in force.
    func bindMetrics() throws(SystemError) {
        var sockets: [MetricsSocket] = []
        for endpoint in configuration.operation.metrics {
            if let known = metricsSockets.first(where: { $0.endpoint == endpoint }) {
                sockets.append(known)
                continue
            }
            switch endpoint {
            case .loopback(let address, let port):
                let socket = try listeningSocket(at: SocketAddress(address, port: port))
                sockets.append(MetricsSocket(endpoint: endpoint, descriptor: DescriptorBox(socket)))
            case .socket(let path):
                let socket = try ListeningSocket.local(path: path, mode: 0o660)
                // A user can give his files to groups of his own alone; his daemon is his own business.
                if !installation.isRootless, let group = try readersGroup() {
                    try Privileges.give(path, toGroup: group)
                }
                sockets.append(MetricsSocket(endpoint: endpoint, descriptor: DescriptorBox(socket)))
            }
        }
        boundMetrics = sockets
    }

    /// Tells control what the configuration in force says of it.
    func giveOperation() {
        do throws(SystemError) {
            control?.send(.readers(group: try readersGroup()))
            metricsSockets = boundMetrics
            control?.send(.closeMetrics)
            for socket in metricsSockets {
                control?.send(.metricsSocket, descriptor: try socket.descriptor.duplicate())
            }
        } catch {
            log.warning("control and metrics: \(error)")
        }
    }

    private func readersGroup() throws(SystemError) -> gid_t? {
        guard let name = configuration.operation.readersGroup else { return nil }
        return try Groups.named(name)?.gid
    }

    /// Nobody answers behind these any more.
    func removeMetricsSockets() {
        for socket in metricsSockets {
            guard case .socket(let path) = socket.endpoint else { continue }
            // The next daemon replaces what is left.
            try? Files.remove(path)
        }
    }

    func statistics() -> StatisticsReport {
        StatisticsReport(values: [
            Statistic(key: "parent.agent", value: Int64(agents.count)),
            Statistic(key: "parent.checker", value: Int64(checkers.runningCount)),
            Statistic(key: "parent.reload", value: reloadCount),
        ])
    }
}
