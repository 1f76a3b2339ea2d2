import Envelopes
import MailSyntax

/// What a server session takes from its listener.
package struct ServerSettings: Hashable, Sendable {
    /// The name in greeting, EHLO reply and trace header; it also completes addresses without a domain.
    package var hostname: Domain
    /// The listener's tag, handed on in the transaction.
    package var tag = ""
    package var limits = SessionLimits()
    /// RET, ENVID, NOTIFY and ORCPT are offered (RFC 3461).
    package var offersDSN = true
    package var startTLS = StartTLS.notOffered
    package var authentication = Authentication.notOffered
    /// The names of SASL mechanisms offered with ``authentication``, in capitals.
    package var mechanisms: [String] = []
    /// The trace header says whether the client authenticated, and as whom.
    package var recordsAuthentication = false
    /// The address in `From` becomes that of the sender, when the client authenticated.
    package var masquerades = false
    /// Missing `Date` and `Message-ID` fields are added: for local listeners and submission (RFC 6409
    /// section 8), never for mail of other servers.
    package var completesHeader = false
    /// The trace header does not say where the message came from.
    package var masksSource = false
    /// Filters are asked and told. Without them a session takes the same steps as if there were no such thing.
    package var isFiltered = false
    /// A bare LF ends lines too, and `LF . LF` ends the data. Only for clients of this machine: from
    /// others it would let one message smuggle in a second (VU#302671).
    package var acceptsBareLineFeed = false

    /// Whether STARTTLS is there (RFC 3207).
    package enum StartTLS: Hashable, Sendable {
        case notOffered
        case offered
        /// MAIL is refused until it was used.
        case required
    }

    /// Whether AUTH is there (RFC 4954); only ever over TLS.
    package enum Authentication: Hashable, Sendable {
        case notOffered
        case offered
        /// MAIL is refused until it was used.
        case required
    }

    package init(hostname: Domain) { self.hostname = hostname }
}

/// Who is at the other end of a connection, as far as it is known before the client speaks.
package struct ClientIdentity: Hashable, Sendable {
    package var source: ClientSource
    /// The client's TCP port, where it is known.
    package var port: UInt16?
    /// The name by reverse lookup, `<unknown>` when there is none.
    package var reverseName: String
    /// Whether ``reverseName`` leads back to the client's address.
    package var forwardConfirmation: ForwardConfirmation
    /// The login of a local client's uid; nil on the network.
    package var user: String?
    /// The client is trusted as its ``user``: local submission.
    package var isAuthenticated: Bool
    /// The client is this server itself, handing in its own notifications.
    package var isInternal: Bool

    package init(
        source: ClientSource, port: UInt16? = nil, reverseName: String, forwardConfirmation: ForwardConfirmation = .unconfirmed,
        user: String? = nil, isAuthenticated: Bool = false, isInternal: Bool = false
    ) {
        self.source = source
        self.port = port
        self.reverseName = reverseName
        self.forwardConfirmation = forwardConfirmation
        self.user = user
        self.isAuthenticated = isAuthenticated
        self.isInternal = isInternal
    }
}
