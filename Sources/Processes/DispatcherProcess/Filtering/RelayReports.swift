import Configuration
import Envelopes
import EventLoop
import Filters
import MailSyntax
import Routing
import SMTPProtocol

/// The filter programs of one session with another server, which are told and never asked.
@EventLoopActor
final class RelayReports {
    private let filters: SessionFilters
    private var machine = OutgoingReports()
    private var size: Int64 = 0

    init(filters: SessionFilters) { self.filters = filters }

    /// - Parameter source: Our address.
    func connected(to address: IPAddress, port: UInt16, host: String, from source: IPAddress?) {
        filters.report(
            .connected(
                reverseName: host, .confirmed, source: "\(source?.bracketed ?? "unknown"):0",
                destination: "\(address.bracketed):\(port)"))
    }

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
