/// What a table is asked for; decides how keys are compared and values are read (table(5)).
package enum TableService: UInt8, Hashable, Sendable, CaseIterable {
    case alias = 1
    case domain
    case credentials
    case auth
    case netaddr
    case userinfo
    case source
    case mailaddr
    case addrname
    case mailaddrmap
    case relayhost
    case string
    case regex

    /// The word the configuration's messages and the table protocol use.
    package var name: String {
        switch self {
        case .alias: "alias"
        case .domain: "domain"
        case .credentials: "credentials"
        case .auth: "auth"
        case .netaddr: "netaddr"
        case .userinfo: "userinfo"
        case .source: "source"
        case .mailaddr: "mailaddr"
        case .addrname: "addrname"
        case .mailaddrmap: "mailaddrmap"
        case .relayhost: "relayhost"
        case .string: "string"
        case .regex: "regex"
        }
    }
}

/// The shape of a table: known for static ones, unknown until asked for the others.
package enum TableKind: UInt8, Hashable, Sendable {
    case list = 1
    case mapping
    /// A back end of its own; answers whatever it serves.
    case dynamic
}
