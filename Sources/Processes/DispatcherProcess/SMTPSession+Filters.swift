import Configuration
import Envelopes
import EventLoop
import Filters
import MailSyntax
import Platform
import SMTPProtocol

/// Where the content of a message goes that filters transform: the first of their stages, and what is behind the last.
struct FilteredMessagePath {
    let chain: any ContentSink
    let stored: StoredContent
}

/// What a session with filters does beside what others do: it tells them, and lets content flow through them.
extension SMTPSession {
    // MARK: Transactions

    /// Opens a transaction: filters are told its message id with the sender.
    func openTransaction(_ transaction: Transaction) async {
        let address = Array(transaction.sender.text.utf8)
        let verdict = await senderVerdict(transaction)
        if case .refuse(let reply) = verdict {
            filters?.report(.mail(nil, ReportEvent.Outcome(reply), address: address))
            return machine.senderChecked(verdict)
        }
        switch await beginNamedTransfer() {
        case .success(let id):
            filters?.facts.message = id
            filters?.report(.transactionBegun(id))
            filters?.report(.mail(id, .accepted, address: address))
            machine.senderChecked(.accept)
        case .failure(let error):
            filters?.report(.mail(nil, .unavailable, address: address))
            machine.senderChecked(.refuse(Reply(error.refusal)))
        }
    }

    func report(_ request: RecipientRequest, _ outcome: ReportEvent.Outcome) {
        guard let filters, let messageID else { return }
        filters.report(.recipient(messageID, outcome, address: Array(request.address.text.utf8)))
    }

    // MARK: Content

    /// Prepares the way through the filters for a message; false when none of them wants to see it.
    func beginContent(of opened: OpenedMessage) -> Bool {
        guard let filters, filters.wants(.dataLine) else { return false }
        let stored = StoredContent(
            FilteredContent(hostname: machine.settings.hostname, opened: opened, limits: machine.settings.limits),
            store: { [weak self] in self?.store($0) }, congested: { [weak self] in self?.isQueueCongested ?? false },
            drained: { [weak self] in await self?.queueDrained() })
        content = filters.beginContent(into: stored).map { FilteredMessagePath(chain: $0, stored: stored) }
        return content != nil
    }

    func finishContent() async -> FilteredMessage {
        guard let content else { preconditionFailure("content is finished that was not begun") }
        content.chain.finish()
        return await content.stored.outcome()
    }

    func endContent() {
        guard let filters else { return }
        content = nil
        filters.endContent()
        filters.facts.sender = nil
        filters.facts.message = nil
    }

    // MARK: Reports

    func reportConnection() {
        guard let filters, filters.wants(.linkConnect) else { return }
        let (source, destination): (String, String)
        if let address = client.source.address {
            source = "\(address.bracketed):\(client.port ?? 0)"
            destination = filters.facts.localAddress.map { "\($0.bracketed):\(filters.facts.localPort)" } ?? "unknown"
        } else {
            let path = "unix:\(dispatcher.context.installation.controlSocket)"
            (source, destination) = (path, path)
        }
        filters.report(
            .connected(
                reverseName: client.reverseName, client.forwardConfirmation, source: source, destination: destination))
    }

    func report(_ event: SessionEvent) {
        guard let filters else { return }
        switch event {
        case .greeted: filters.report(.greeted(hostname: machine.settings.hostname.text))
        case .clientLine(let line): filters.report(.clientLine(line))
        case .identified(let method, let name):
            filters.facts.helo = name
            filters.report(.identified(method: method, name: name))
        case .refusedSender(let address, let reply):
            filters.report(.mail(nil, ReportEvent.Outcome(reply), address: address))
        case .refusedRecipient(let address, let reply):
            guard let messageID else { return }
            filters.report(.recipient(messageID, ReportEvent.Outcome(reply), address: address))
        case .timedOut: filters.report(.timedOut)
        }
    }

    func report(_ reply: Reply) {
        guard let filters, filters.wants(.protocolServer) else { return }
        for line in reply.bytes.split(separator: 0x0A) { filters.report(.serverLine(Array(line.dropLast()))) }
    }

    func report(_ channel: ChannelSecurity) {
        guard let filters else { return }
        filters.facts.channel = channel
        // What the client said in clear is void.
        filters.facts.helo = ""
        filters.report(.tls("\(channel.version):\(channel.cipher):\(channel.bits)"))
    }

    func report(_ answer: AuthenticationAnswer, claimed user: String?) {
        guard let filters else { return }
        switch answer {
        case .challenge: break
        case .accepted(let user):
            filters.facts.user = user
            filters.report(.authenticated(.accepted, user: user))
        case .refused: filters.report(.authenticated(.refused, user: user ?? ""))
        case .unavailable, .tooManyFailures: filters.report(.authenticated(.unavailable, user: user ?? ""))
        }
    }
}

extension DispatcherProcess {
    /// The filters of a listener for a client; nil where there are none.
    func filters(
        of listener: Listener, id: String, _ settings: ServerSettings, _ client: ClientIdentity, at local: IPAddress?, port: UInt16
    ) -> SessionFilters? {
        guard let reference = listener.filter, let session = UInt64(id, radix: 16) else { return nil }
        var facts = FilterFacts(session: session, client: client, serverName: settings.hostname.text)
        facts.localAddress = local
        facts.localPort = port
        facts.user = client.isAuthenticated ? client.user : nil
        return filters(reference, .incoming, facts, settings.hostname)
    }
}
