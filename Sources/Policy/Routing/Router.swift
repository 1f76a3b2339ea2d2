import Configuration
import Envelopes
import MailSyntax

/// Where relayed mail goes, over which connections, and when: relays, routes, limits, backoff.
///
/// A value without sockets, clocks, resolver or chance: whoever drives it tells what happened with a method
/// named for it and carries out what ``takeOutputs()`` returns, until ``nextDeadline`` calls for ``tick(now:)``.
/// Every envelope offered gets exactly one ``RoutingOutput/report(_:_:_:)`` or ``RoutingOutput/hold(_:holder:)``.
package struct Router: Sendable {
    package internal(set) var settings: RoutingSettings
    var outputs: [RoutingOutput] = []

    /// - Parameter seed: A random number of the caller's, from which exchangers of equal preference are shuffled.
    package init(settings: RoutingSettings, seed: UInt64, now: Moment) {
        self.settings = settings
    }

    /// What is to be done now, in order. Call it after every other method.
    package mutating func takeOutputs() -> [RoutingOutput] {
        defer { outputs = [] }
        return outputs
    }

    // MARK: Mail

    /// Envelopes to relay; those of one message best together.
    package mutating func offered(_ offers: [RelayOffer], now: Moment) {}

    // MARK: Answers

    /// The answer to a ``RoutingOutput/ask(_:)``. One that nobody waits for any more changes nothing.
    package mutating func answered(_ question: RoutingQuestion, _ answer: RoutingAnswer, now: Moment) {}

    // MARK: Connections

    /// The connection is open (TCP); the session begins. Decides races.
    package mutating func connected(_ connection: ConnectionID, now: Moment) {}

    /// The session can take a message: after its greeting, EHLO, TLS and AUTH, and again behind each
    /// transaction, when every envelope of it has been settled.
    package mutating func ready(_ connection: ConnectionID, now: Moment) {}

    /// An envelope of the transaction under way is decided on.
    ///
    /// When the session breaks before the server can have taken anything of the message for it (no reply to
    /// MAIL, or refused with 421 before the data), do not settle it: ``ended(_:_:now:)`` gives it to another
    /// session or fails it. From the final dot on only ``Settlement/outcome(_:)`` is right, for a second try
    /// may be a duplicate.
    package mutating func settled(_ connection: ConnectionID, _ id: EnvelopeID, as settlement: Settlement, now: Moment) {}

    /// The connection is closed, or was never opened.
    package mutating func ended(_ connection: ConnectionID, _ end: ConnectionEnd, now: Moment) {}

    // MARK: Time

    /// The moment of the next ``tick(now:)``, nil when only an event can make one necessary.
    package var nextDeadline: Moment? { nil }

    /// Does what is due.
    package mutating func tick(now: Moment) {}

    // MARK: Operators

    /// New settings. What is under way goes on; relays of actions that changed drain.
    package mutating func reconfigured(_ settings: RoutingSettings, now: Moment) { self.settings = settings }

    /// `resume route`: lifts what holds a route back. False when there is none with this number.
    package mutating func resumeRoute(_ id: UInt64, now: Moment) -> Bool { false }

    /// `pause mta from … for …`: no connections from a source, to a domain, or both; nil stands for any.
    ///
    /// - Returns: False when it was so already.
    package mutating func block(source: IPAddress?, domain: String?, now: Moment) -> Bool { false }

    /// `resume mta from … for …`.
    ///
    /// - Returns: False when it was not blocked.
    package mutating func unblock(source: IPAddress?, domain: String?, now: Moment) -> Bool { false }

    /// The server is about to end: sessions finish their message and quit, and nothing new is begun. What
    /// waits is not reported, since the queue has it.
    package mutating func finish(now: Moment) {}

    /// Nothing is under way; after ``finish(now:)`` the driver may go.
    package var isIdle: Bool { true }
}
