import Configuration
import Envelopes
import EventLoop
import Log
import MailSyntax
import Platform
import ProcessMessages
import SMTPProtocol
import TLS

/// From a connection to a session: who is there, what the listener allows, whether there is room.
extension DispatcherProcess {
    func accept(_ connection: consuming OwnedDescriptor, from peer: SocketAddress, on socket: UInt32) {
        guard let place = sockets[socket]?.place, Int(place.listener) < view.listeners.count,
            let address = IPAddress(peer)
        else { return }
        let listener = view.listeners[Int(place.listener)]
        try? Sockets.setNoDelay(connection.raw)
        let stream = SecurableStream(adopting: connection)
        guard !listener.expectsProxyHeader else { return awaitProxyHeader(stream, from: address, listener, place) }
        admit(stream, from: address, clientPort: peer.port, listener, place)
    }

    /// Begins a session for a client of the network if there is room.
    private func admit(
        _ stream: SecurableStream, from address: IPAddress, clientPort: UInt16? = nil, _ listener: Listener, _ place: ListenerSocket
    ) {
        if let refusal = sessions.refusal(of: address, now: .now()) {
            return turnAway(stream, from: address, listener, refusal)
        }
        let tls = tls.context(ofListener: Int(place.listener))
        if let name = clientNames.known(address) {
            let client = ClientIdentity(
                source: .network(address), port: clientPort, reverseName: name.text, forwardConfirmation: name.confirmation)
            return begin(stream, listener, port: place.port, local: place.address, tls, client)
        }
        sessions.expect(address)
        spawn { [self] in
            let name = await clientNames.name(of: address)
            sessions.meet(address)
            let client = ClientIdentity(
                source: .network(address), port: clientPort, reverseName: name.text, forwardConfirmation: name.confirmation)
            begin(stream, listener, port: place.port, local: place.address, tls, client)
        }
    }

    /// Lets the proxy say who its client is. What it says counts from here on, for limits and rules too; without
    /// a header the connection ends unanswered, since a client that came around the proxy is not to be helped.
    private func awaitProxyHeader(
        _ stream: SecurableStream, from proxy: IPAddress, _ listener: Listener, _ place: ListenerSocket
    ) {
        guard sessions.announce() else { return turnAway(stream, from: proxy, listener, .tooManySessions) }
        spawn { [self] in
            let header = await proxyHeader(on: stream, deadline: .now() + .seconds(view.session.idleSeconds))
            sessions.retract()
            switch header {
            case .success(.client(let address, _)): admit(stream, from: address, listener, place)
            case .success(.local): admit(stream, from: proxy, listener, place)
            case .failure(let failure):
                log.warning("smtp refused address=\(proxy) reason=\(LogText.value(failure.reason))")
                stream.close()
                updateAcceptors()
            }
        }
    }

    private struct ProxyFailure: Error {
        var reason: String
    }

    /// Reads the header and nothing of what follows it.
    private func proxyHeader(on stream: SecurableStream, deadline: MonotonicInstant) async -> Result<ProxyHeader, ProxyFailure> {
        var reader = ProxyHeader.Reader()
        while true {
            switch await stream.readInClear(atMost: reader.needed, deadline: deadline) {
            case .bytes(let bytes):
                do throws(ProxyHeader.Failure) {
                    if let header = try reader.receive(bytes) { return .success(header) }
                } catch {
                    return .failure(ProxyFailure(reason: error.description))
                }
            case .end: return .failure(ProxyFailure(reason: "connection closed before the PROXY header"))
            case .timedOut: return .failure(ProxyFailure(reason: "no PROXY header in time"))
            case .failed(let error): return .failure(ProxyFailure(reason: error.description))
            }
        }
    }

    /// A client of the Unix socket; the kernel says who.
    func acceptSubmission(_ socket: consuming OwnedDescriptor, uid: UInt32) {
        let stream = SecurableStream(adopting: socket)
        let name = view.submission.hostname
        begin(
            stream, view.submission, port: 0, local: nil, nil,
            ClientIdentity(source: .local, reverseName: name, user: "uid \(uid)", isAuthenticated: true))
    }

    /// 421 and goodbye, or only the latter where TLS comes first, without waiting for anybody.
    private func turnAway(
        _ stream: SecurableStream, from address: IPAddress, _ listener: Listener, _ refusal: SessionCensus.Refusal
    ) {
        log.warning("smtp refused address=\(address) reason=\(LogText.value(refusal.rawValue))")
        refuseAtOnce(stream, listener)
    }

    private func begin(
        _ stream: SecurableStream, _ listener: Listener, port: UInt16, local: IPAddress?, _ security: TLSServerContext?,
        _ client: ClientIdentity
    ) {
        guard (listener.hostnames != nil && local != nil) || listener.authentication != .none else {
            return start(stream, listener, hostname: listener.hostname, port: port, local: local, mechanisms: [], security, client)
        }
        spawn { [self] in
            var name = listener.hostname
            if let table = listener.hostnames, let local { name = await hostname(of: listener, in: table, at: local) }
            let mechanisms = await mechanisms(of: listener)
            start(stream, listener, hostname: name, port: port, local: local, mechanisms: mechanisms, security, client)
        }
    }

    private func start(
        _ stream: SecurableStream, _ listener: Listener, hostname: String, port: UInt16, local: IPAddress?,
        mechanisms: [String], _ security: TLSServerContext?, _ client: ClientIdentity
    ) {
        let id = Self.sessionIdentifier()
        var settings = settings(for: listener, hostname: hostname, port: port, client: client)
        settings.mechanisms = mechanisms
        let authentication = listener.authentication.source.map {
            ClientAuthentication(
                dispatcher: self, source: $0, senders: listener.senders, client: client, server: local, id: id)
        }
        let filters = filters(of: listener, id: id, settings, client, at: local, port: port)
        settings.isFiltered = filters != nil
        let session = SMTPSession(
            stream: stream, dispatcher: self, settings: settings, client: client, authentication: authentication, id: id,
            tls: security, isImplicit: listener.tls == .implicit, filters: filters)
        sessions.add(session, from: client.source.address)
        log.info("\(id) smtp connected address=\(client.source.text) host=\(LogText.value(client.reverseName))")
        session.start()
    }

    /// A session has closed its connection.
    func ended(_ session: SMTPSession, of client: ClientIdentity) {
        sessions.remove(session, from: client.source.address)
        updateAcceptors()
    }

    /// The name a listener answers under, from its table, for the address it was reached at.
    private func hostname(of listener: Listener, in table: String, at address: IPAddress) async -> String {
        let request = hostnames.next()
        lookup?.send(.hostname(request: request, table: table, address: address))
        guard let name = await hostnames.answer(request) else { return listener.hostname }
        return name ?? listener.hostname
    }

    private func settings(
        for listener: Listener, hostname: String, port: UInt16, client: ClientIdentity
    ) -> ServerSettings {
        var settings = ServerSettings(hostname: domain(hostname))
        settings.tag = listener.tag
        settings.offersDSN = listener.offersDSN
        settings.masksSource = listener.masksSource
        settings.authentication =
            switch listener.authentication {
            case .none: .notOffered
            case .required: .required
            case .optional: .offered
            }
        settings.recordsAuthentication = listener.recordsAuthentication
        settings.masquerades = listener.senders?.masquerades ?? false
        settings.limits.messageSize = view.session.maximumMessageSize
        settings.limits.recipients = view.session.maximumRecipients
        settings.limits.mails = view.session.maximumMails
        settings.limits.badCommands = view.session.maximumBadCommands
        // A program of this machine sends to whom its user says, and guesses nothing.
        settings.limits.refusedRecipients = client.source == .local ? .max : view.session.maximumRefusedRecipients
        settings.limits.idleCommands = client.source == .local ? .max : view.session.maximumIdleCommands
        settings.limits.authenticationFailures = view.session.maximumAuthenticationTries
        settings.limits.commandLine = view.session.maximumCommandLine
        settings.limits.textLine = view.session.maximumTextLine
        settings.limits.headerSize = view.session.maximumHeaderSize
        settings.limits.receivedFields = view.session.maximumHops
        settings.limits.idleSeconds = Int64(view.session.idleSeconds)
        settings.limits.contentStep = max(1, Int64(view.session.minimumRate) * Int64(view.session.idleSeconds))
        settings.startTLS =
            switch listener.tls {
            case .none, .implicit: .notOffered
            case .offered: .offered
            case .required: .required
            }
        settings.acceptsBareLineFeed = client.source == .local
        settings.completesHeader = client.source == .local || port == 587 || listener.isLoopback
        return settings
    }

    var handshakeTimeout: Duration { .seconds(view.session.handshakeSeconds) }

    static func sessionIdentifier() -> String {
        let text = String(UInt64.random(in: .min ... .max), radix: 16)
        return String(repeating: "0", count: 16 - text.utf8.count) + text
    }

    /// A host name as a domain. Names in tables may be anything, and one that is no domain is not said to
    /// clients; the server's own was checked when the configuration was read.
    private func domain(_ name: String) -> Domain {
        for candidate in [name, view.serverName] {
            if let domain = try? Domain(validating: Array(candidate.utf8)) { return domain }
        }
        context.fail("the server's name \(view.serverName) is no host name")
    }

    /// As many sessions as descriptors allow, less what everything else needs. To be asked before the process
    /// is confined, since it may not look at its limits afterwards.
    static func sessionLimit() -> Int {
        let descriptors = Int(clamping: (try? ThisProcess.raiseOpenFiles()) ?? 1_024)
        return max(16, descriptors - min(SessionCensus.reservedDescriptors, descriptors / 2))
    }

    var log: Logger { context.log }
}

extension Listener {
    /// Bound to this machine alone (RFC 6409 clients, by the reference's reckoning).
    var isLoopback: Bool {
        !addresses.isEmpty && addresses.allSatisfy(\.isLoopback)
    }
}

extension ClientSource {
    /// Nil for the Unix socket.
    var address: IPAddress? {
        switch self {
        case .local: nil
        case .network(let address): address
        }
    }
}
