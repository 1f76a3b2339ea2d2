import EventLoop
import Platform
import ProcessMessages

/// Counters for programs that collect them: OpenMetrics text over HTTP on a Unix socket or the loopback interface. One
/// request, one answer, and the end.
extension ControlProcess {
    /// Collectors served at once; others wait for their turn in the kernel.
    private static let maximumClients = 16
    private static let patience = Duration.seconds(5)

    func serveMetrics(on socket: consuming OwnedDescriptor) {
        do throws(SystemError) {
            metricsAcceptors.append(try Acceptor(adopting: socket) { [unowned self] connection, _ in admit(connection) })
        } catch {
            context.log.warning("metrics: \(error)")
        }
    }

    func closeMetrics() {
        for acceptor in metricsAcceptors { acceptor.close() }
        metricsAcceptors = []
    }

    private func admit(_ connection: consuming OwnedDescriptor) {
        let stream = ByteStream(adopting: connection)
        metricsClients += 1
        if metricsClients >= Self.maximumClients { for acceptor in metricsAcceptors { acceptor.pause() } }
        spawn { [self] in
            await answer(on: stream)
            stream.close()
            metricsClients -= 1
            for acceptor in metricsAcceptors { acceptor.resume() }
        }
    }

    private func answer(on stream: ByteStream) async {
        var request = HTTPRequest()
        let deadline = MonotonicInstant.now() + Self.patience
        while !request.isComplete {
            guard case .bytes(let bytes) = await stream.read(deadline: deadline) else { return }
            request.append(bytes)
        }
        let response: HTTPResponse
        switch request.path {
        case "/metrics", "/":
            guard let report = await gatherStatistics() else { return }
            response = HTTPResponse(status: "200 OK", type: OpenMetrics.contentType, body: OpenMetrics.text(of: report))
        case nil: response = HTTPResponse(status: "400 Bad Request", type: "text/plain", body: "GET /metrics\n")
        default: response = HTTPResponse(status: "404 Not Found", type: "text/plain", body: "GET /metrics\n")
        }
        _ = await stream.write(response.bytes(isHead: request.isHead), deadline: .now() + Self.patience)
    }
}
