import MailSyntax

/// What the router has to ask others. Each question is open at most once at a time, and is its own name: the
/// answer comes with the question.
package enum RoutingQuestion: Hashable, Sendable {
    /// The MX records of a domain. Answer: ``RoutingAnswer/exchangers(_:)``, empty when there are none.
    case exchangers(domain: String)
    /// The A and AAAA records of a host name. Answer: ``RoutingAnswer/addresses(_:)``, empty when there are none.
    case addresses(host: String)
    /// All relay URLs of the table of `host`, in the order of the table. Answer:
    /// ``RoutingAnswer/smarthosts(_:)``.
    case smarthosts(table: String)
    /// The relay URL that the table of `domain` has for a domain. Answer: ``RoutingAnswer/smarthosts(_:)`` with
    /// one text, or none.
    case smarthost(table: String, domain: String)
    /// All source addresses of the table of `src`. Answer: ``RoutingAnswer/sources(_:)``.
    case sources(table: String)
    /// Whether there are credentials. Whoever asks keeps them for the sessions; the router never sees a secret.
    /// Answer: ``RoutingAnswer/credentialsFound``, or ``RoutingAnswer/failed(_:)`` with
    /// ``LookupProblem/notFound`` when the table has none.
    case credentials(CredentialsReference)
}

/// An answer to a ``RoutingQuestion``.
package enum RoutingAnswer: Hashable, Sendable {
    case exchangers([Exchanger])
    case addresses([IPAddress])
    case smarthosts([String])
    case sources([IPAddress])
    case credentialsFound
    case failed(LookupProblem)
}

/// Why a question has no answer.
package enum LookupProblem: Error, Hashable, Sendable {
    /// The domain or host does not exist (NXDOMAIN), or the table has no such entry.
    case notFound
    /// The name cannot be asked for.
    case invalidName
    /// Servers failed or were silent, or a table could not say; in words.
    case temporary(String)
}

/// One MX record.
package struct Exchanger: Hashable, Sendable {
    package var preference: UInt16
    /// Without a final dot; empty for the root, which says that the domain takes no mail (RFC 7505).
    package var host: String

    package init(preference: UInt16, host: String) {
        self.preference = preference
        self.host = host
    }
}
