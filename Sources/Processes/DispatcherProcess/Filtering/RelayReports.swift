import Configuration
import Envelopes
import EventLoop
import Filters
import MailSyntax
import Platform
import Routing
import SMTPProtocol

/// The filter programs of one session with another server, which are told and never asked.
@EventLoopActor
final class RelayReports {
    private let filters: SessionFilters
    private var machine = OutgoingReports()
    private var size: Int64 = 0

    init(filters: SessionFilters) { self.filters = filters }

    /// - Parameters:
    ///   - source: Our address and port, as text.
    ///   - destination: Those of the server.
    ///   - name: Of the server; lookup is asked by whoever has it.
    func connected(to destination: String, _ name: ClientNames.Name, from source: String) {
        filters.report(.connected(reverseName: name.text, name.confirmation, source: source, destination: destination))
    }

    /// Whether the name of the server has to be looked up.
    var wantsConnection: Bool { filters.wants(.linkConnect) }

    func secured(_ parameters: String) { filters.report(.tls(parameters)) }

    func received(_ bytes: [UInt8]) {
        machine.receive(bytes)
        pass()
    }

    func sent(_ bytes: [UInt8]) {
        machine.send(bytes)
        pass()
    }

    func began(_ message: MessageID, sender: ReversePath, size: Int64) {
        self.size = size
        machine.begin(message, sender: sender.text)
        pass()
    }

    func contentBegins() {
        machine.contentBegins()
        pass()
    }

    func settled(_ envelope: Envelope, _ result: ClientResult) {
        let outcome: ReportEvent.Outcome
        switch result {
        case .outcome(.delivered): outcome = .accepted
        case .outcome(.permanent): outcome = .refused
        case .outcome, .tooManyRecipients, .unsent: outcome = .unavailable
        }
        machine.settled(envelope.id, envelope.destination.text, outcome)
        pass()
    }

    /// No transaction is open.
    func transactionEnded() {
        machine.end(size: size)
        pass()
    }

    func ended() {
        transactionEnded()
        filters.sessionEnded()
    }

    private func pass() {
        for event in machine.take() { filters.report(event) }
    }
}

extension RelaySession {
    /// Tells of the connection, with the name of the server by reverse lookup.
    func report(connectionOver socket: CInt) async {
        guard let reports, reports.wantsConnection else { return }
        let name = await dispatcher.clientNames.name(of: order.address)
        let local = (try? Sockets.localAddress(socket)).flatMap { end in IPAddress(end).map { "\($0.bracketed):\(end.port)" } }
        reports.connected(to: "\(order.address.bracketed):\(order.port)", name, from: local ?? "unknown:0")
    }

    /// Those to whom this session is reported (`relay filter`); nil when there are none.
    func makeReports() async -> RelayReports? {
        guard let reference = order.relay.action.filter, let session = UInt64(id, radix: 16) else { return nil }
        let view = dispatcher.view
        guard let domain = try? Domain(validating: Array(view.serverName.utf8)) else { return nil }
        let server = ClientIdentity(source: .network(order.address), port: order.port, reverseName: order.hostName)
        let facts = FilterFacts(session: session, client: server, serverName: view.serverName)
        let filters = dispatcher.filters(reference, .outgoing, facts, domain)
        await filters.prepare()
        return RelayReports(filters: filters)
    }
}
