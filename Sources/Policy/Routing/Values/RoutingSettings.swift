import Configuration
import MailSyntax

/// What the configuration tells the router.
package struct RoutingSettings: Hashable, Sendable {
    /// The relay actions by name. An envelope whose action is missing fails for the time being.
    package var actions: [String: RelayAction] = [:]
    /// The limits.
    package var mta = MTASettings()
    /// The name of this server: what `backup` without a name means.
    package var serverName: String
    /// All names of this server, besides its name: a better exchanger of this name is ourselves.
    package var ownNames: Set<String> = []
    /// The addresses on which this server takes mail. Loopback and unspecified addresses count always.
    package var ownAddresses: Set<IPAddress> = []

    package init(serverName: String) { self.serverName = serverName }
}
