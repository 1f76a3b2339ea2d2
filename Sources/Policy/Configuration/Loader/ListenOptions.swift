/// What stands after `listen on ENDPOINT`, in the order-free form both grammars share.
struct ListenOptions {
    var location: SourceLocation
    var families: Listener.Families = .any
    var port: UInt16?
    var tls: Listener.TLSMode = .none
    var verifiesClients = false
    /// 5.4 `secure`: TLS from the first byte on one port, STARTTLS on the other.
    var isSecure = false
    var keyPairs: [(name: String, location: SourceLocation)] = []
    var authority: (name: String, location: SourceLocation)?
    var ciphers: String?
    var protocols: String?
    var authentication: Listener.Authentication = .none
    var tag = ""
    var hostname: String?
    var hostnames: String?
    var senders: Listener.Senders?
    var masksSource = false
    var offersDSN = true
    var recordsAuthentication = false
    var expectsProxyHeader = false
    var filter: FilterReference?

    /// Options given, by name: in 7.x each but `pki` may be given once.
    var given: Set<String> = []

    init(at location: SourceLocation) { self.location = location }

    var usesTLS: Bool { isSecure || tls != .none }
}
