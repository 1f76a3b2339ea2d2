import Authentication
import MailSyntax

/// One `listen on` line.
package struct Listener: Hashable, Sendable {
    package var endpoint: Endpoint
    /// 5.4 `secure` makes two listeners of one line.
    package var port: UInt16 = 25
    package var families: Families = .any
    /// What the endpoint's name stands for on this machine, filled in by the loader.
    package var addresses: [IPAddress] = []
    package var tls: TLSMode = .none
    /// Clients must show a certificate that verifies.
    package var verifiesClients = false
    package var keyPairs: [String] = []
    package var authority: String?
    package var ciphers: String?
    package var protocols: String?
    package var authentication: Authentication = .none
    package var tag = ""
    package var hostname: String
    /// Table from local address to host name.
    package var hostnames: String?
    package var senders: Senders?
    package var masksSource = false
    package var offersDSN = true
    package var recordsAuthentication = false
    package var expectsProxyHeader = false
    package var filter: FilterReference?
    package var location: SourceLocation?

    package enum Endpoint: Hashable, Sendable {
        case socket
        /// An interface, address or host name as written.
        case network(String)
    }

    package enum Families: UInt8, Hashable, Sendable { case any = 1, v4, v6 }

    package enum TLSMode: UInt8, Hashable, Sendable {
        case none = 1
        /// STARTTLS is offered.
        case offered
        /// MAIL is refused before STARTTLS.
        case required
        /// TLS from the first byte (465).
        case implicit
    }

    package enum Authentication: Hashable, Sendable {
        case none
        case required(CredentialSource)
        case optional(CredentialSource)

        /// Nil when there is none.
        package var source: CredentialSource? {
            switch self {
            case .none: nil
            case .required(let source), .optional(let source): source
            }
        }
    }

    package struct Senders: Hashable, Sendable {
        package var table: String
        package var masquerades: Bool
        package init(table: String, masquerades: Bool) {
            self.table = table
            self.masquerades = masquerades
        }
    }

    package init(endpoint: Endpoint, hostname: String) {
        self.endpoint = endpoint
        self.hostname = hostname
    }
}
