import MailSyntax

/// What the router has to ask others. Each question is open at most once at a time, and is its own name: the
/// answer comes with the question.
package enum RoutingQuestion: Hashable, Sendable {
    /// The hosts that take mail for a domain, with their addresses. Answer:
    /// ``RoutingAnswer/exchangers(_:isImplicit:)`` or ``RoutingAnswer/acceptsNoMail``. Never asked for an address
    /// literal.
    case exchangers(domain: String)
    /// The A and AAAA records of a smarthost's name. Answer: ``RoutingAnswer/addresses(_:)``, empty when there are none.
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
    /// In any order. Implicit: the domain has no MX record and is its own exchanger (RFC 5321 section 5.1).
    case exchangers([Exchanger], isImplicit: Bool)
    /// The domain has a null MX (RFC 7505).
    case acceptsNoMail
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

/// A host that takes mail for a domain.
package struct Exchanger: Hashable, Sendable {
    /// Lower is tried first.
    package var preference: UInt16
    /// Without a final dot.
    package var host: String
    /// Empty when there are none, or when ``problem`` says why they are not known.
    package var addresses: [IPAddress]
    package var problem: LookupProblem?

    package init(preference: UInt16, host: String, addresses: [IPAddress], problem: LookupProblem? = nil) {
        self.preference = preference
        self.host = host
        self.addresses = addresses
        self.problem = problem
    }
}
