#if DNSSEC
import CUnbound
import EventLoop
import Glibc
import Platform
import Resolver

/// Asks the servers of resolv.conf through libunbound, which validates what they say (RFC 4035) and does not let
/// pass what was forged.
///
/// Where a zone is signed, its answers are authenticated; where it provably is not, they are as good as without.
/// Works on the event loop and starts neither thread nor process. The servers have to hand signatures on, which
/// all but the oldest do; an answer without those it must have is a failure (``DNSFailure/bogus(_:)``).
@EventLoopActor package final class ValidatingUpstream: DNSUpstream {
    private let trustAnchor: String
    private var context: OpaquePointer?
    private var patience = Duration.seconds(20)
    private var open: [ObjectIdentifier: OpenQuestion] = [:]

    /// Where distributions keep the key of the root zone (RFC 5011, RFC 7958), the preferred first.
    package nonisolated static let trustAnchors = [
        "/usr/share/dns/root.key", "/var/lib/unbound/root.key", "/etc/unbound/root.key",
    ]

    /// - Parameter trustAnchor: A file with the keys or digests of keys that are trusted, as zone files write them.
    package init(trustAnchor: String) { self.trustAnchor = trustAnchor }

    isolated deinit { if let context { ub_ctx_delete(context) } }

    package func configure(_ settings: ResolverSettings) {
        // What is open would get no answer from a context that is gone.
        for question in Array(open.values) { question.abandon(.unreachable) }
        if let context { ub_ctx_delete(context) }
        context = makeContext(settings)
        patience = .seconds(settings.timeout * settings.attempts * settings.servers.count)
    }

    package func ask(_ question: DNSQuestion) async -> DNSResult {
        guard let context else { return .failed(.unreachable) }
        return await withUnsafeContinuation { continuation in
            let asked = OpenQuestion(question, continuation) { [self] in open[ObjectIdentifier($0)] = nil }
            open[ObjectIdentifier(asked)] = asked
            asked.begin(in: context, patience: patience)
        }
    }

    /// Nil when there is no memory, or a setting that libunbound does not take.
    private func makeContext(_ settings: ResolverSettings) -> OpaquePointer? {
        guard let context = ub_ctx_create_event(ForeignEvents.base) else { return nil }
        let options = [
            ("use-syslog:", "no"), ("verbosity:", "0"), ("do-not-query-localhost:", "no"), ("use-caps-for-id:", "yes"),
            ("edns-buffer-size:", "\(DNSQuery.maximumDatagram)"), ("tcp-upstream:", settings.usesTCP ? "yes" : "no"),
            // Servers of one's own know the names of private networks, and need not sign them.
            ("unblock-lan-zones:", "yes"), ("insecure-lan-zones:", "yes"),
            // The resolver remembers answers itself; here it is about keys.
            ("msg-cache-size:", "1m"), ("rrset-cache-size:", "4m"), ("key-cache-size:", "1m"), ("outgoing-range:", "512"),
        ]
        var isUsable = ub_ctx_debugout(context, nil) == 0 && ub_ctx_add_ta_file(context, trustAnchor) == 0
        for (name, value) in options { isUsable = isUsable && ub_ctx_set_option(context, name, value) == 0 }
        for server in settings.servers { isUsable = isUsable && ub_ctx_set_fwd(context, Self.forward(server)) == 0 }
        if isUsable { return context }
        ub_ctx_delete(context)
        return nil
    }

    /// An address as libunbound reads it: `192.0.2.53@53`, with the interface of a link-local one.
    private static func forward(_ server: SocketAddress) -> String {
        if case .ipv6(_, _, let scope) = server, scope > 0 { return "\(server.host)%\(scope)@\(server.port)" }
        return "\(server.host)@\(server.port)"
    }
}
#endif
