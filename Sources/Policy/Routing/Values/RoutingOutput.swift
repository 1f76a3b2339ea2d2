import Envelopes
import MailSyntax

/// What the router wants done.
package enum RoutingOutput: Hashable, Sendable {
    /// Find out, and call ``Router/answered(_:_:now:)``.
    case ask(RoutingQuestion)
    /// Connect and bring the session to the point where it can take a message; then
    /// ``Router/ready(_:now:)``.
    case connect(ConnectionOrder)
    /// Send this message to these envelopes' destinations in one transaction, then ``Router/settled(_:_:as:now:)``
    /// for each of them and ``Router/ready(_:now:)`` again. All are of one message and one reverse path.
    case transact(ConnectionID, [EnvelopeID])
    /// End the session with QUIT, then ``Router/ended(_:_:now:)``.
    case quit(ConnectionID)
    /// Close the connection without a word: another one of the same race was quicker. The router has
    /// forgotten it; nothing is to be said about it.
    case abandon(ConnectionID)
    /// What became of an envelope: for the queue. Exactly one of this and ``hold(_:holder:)`` follows each
    /// envelope offered. The connection is nil when none was involved.
    case report(EnvelopeID, DeliveryOutcome, ConnectionID?)
    /// Not tried: its relay has enough to do. The scheduler keeps it until ``release(holder:count:)`` or
    /// ``releaseAll(holder:)`` of the same holder. Holders of relays have the highest bit set, so that they
    /// cannot be taken for those of local users.
    case hold(EnvelopeID, holder: UInt64)
    /// Let go of so many held envelopes, which will be offered again.
    case release(holder: UInt64, count: Int)
    /// The relay has failed, or is gone: let go of all, at their next regular try.
    case releaseAll(holder: UInt64)
    /// These failed for the time being, and now there is reason to believe that they would pass: make them due.
    case retry([EnvelopeID])
}

/// One connection, in the words of the router; never used twice.
package struct ConnectionID: Hashable, Comparable, Sendable {
    package let number: UInt64

    package init(number: UInt64) { self.number = number }

    package static func < (a: ConnectionID, b: ConnectionID) -> Bool { a.number < b.number }
}

/// All that a driver needs to open a session.
package struct ConnectionOrder: Hashable, Sendable {
    package var connection: ConnectionID
    /// The relay it is for, with the action's options.
    package var relay: RelayKey
    /// The local address to bind; nil for the system's choice.
    package var source: IPAddress?
    package var address: IPAddress
    package var port: UInt16
    /// The name of the exchanger or smarthost, for SNI, verification and log lines. For an address literal the
    /// address.
    package var hostName: String
    package var security: TransportSecurity
    package var isLMTP: Bool
    /// Credentials that were found to exist; to be used only under TLS.
    package var credentials: CredentialsReference?
    /// The number that `smtpctl resume route` takes.
    package var route: UInt64
}

/// How a connection ended. Reported once for every ``RoutingOutput/connect(_:)``, except after
/// ``RoutingOutput/abandon(_:)``.
package enum ConnectionEnd: Hashable, Sendable {
    /// As asked, with QUIT.
    case quit
    /// The local address cannot be used, in words.
    case sourceUnavailable(String)
    /// No connection: refused, no route to the host, or silence; in words.
    case unreachable(String)
    /// The server ended the session with a reply: its greeting, its answer to EHLO, or 421 at any time.
    case refused(String)
    /// TLS could not be had: STARTTLS not offered or refused, or the handshake failed.
    case tlsFailed(String)
    /// There is TLS, but the certificate did not verify.
    case untrusted(String)
    /// Our credentials were not taken, or no common mechanism is offered.
    case authenticationFailed(String)
    /// Lost, silent or out of step after it was open, in words.
    case broken(String)
    /// Something on our side; neither the server nor the way to it is to blame.
    case localFailure(String)

    /// In words for log lines and listings.
    package var text: String {
        switch self {
        case .quit: "Session ended"
        case .sourceUnavailable(let text), .unreachable(let text), .refused(let text), .tlsFailed(let text),
            .untrusted(let text), .authenticationFailed(let text), .broken(let text), .localFailure(let text):
            text
        }
    }
}

/// What became of one envelope of a transaction.
package enum Settlement: Hashable, Sendable {
    /// The server has decided, or what was sent cannot be taken back.
    case outcome(DeliveryOutcome)
    /// The server takes no more recipients in this transaction (452 behind recipients it took): the envelope
    /// goes into the next one.
    case tooManyRecipients
}
