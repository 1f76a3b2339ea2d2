import Tables

/// Everything an smtpd.conf says, in the terms of both grammars' common meaning.
///
/// A value made by ``ConfigurationLoader``: names are resolved to declarations that exist, units are
/// seconds and bytes, defaults are filled in.
package struct Configuration: Hashable, Sendable {
    package var generation: Generation
    /// The name of this host in banners, Received fields and unqualified addresses.
    package var serverName: String
    /// All tables by name, predefined and anonymous ones too.
    package var tables: [String: TableDefinition] = [:]
    package var listeners: [Listener] = []
    /// `listen on socket`: the local submission listener, which exists even if not declared.
    package var submission: Listener
    /// By name. For the 5.4 grammar the loader makes one action per distinct delivery and names it.
    package var actions: [String: Action] = [:]
    /// In order; the first that matches decides.
    package var rules: [Rule] = []
    package var keyPairs: [String: KeyPair] = [:]
    package var authorities: [String: CertificateAuthority] = [:]
    package var filters: [FilterDefinition] = []
    package var filterProcesses: [FilterProcess] = []
    package var mdaWrappers: [String: String] = [:]
    package var queue = QueueSettings()
    package var session = SessionSettings()
    package var scheduler = SchedulerLimits()
    package var mda = MDALimits()
    package var mta = MTASettings()
    package var srs: SRSSettings?
    package var operation = OperationSettings()
    /// `admd`, the server name unless given.
    package var admd: String
    /// Where things are declared, for messages about them.
    package var places = DeclarationPlaces()

    package init(generation: Generation, serverName: String) {
        self.generation = generation
        self.serverName = serverName
        self.admd = serverName
        self.submission = Listener(endpoint: .socket, hostname: serverName)
    }
}

/// Where the file declares what; names the file does not declare are missing.
package struct DeclarationPlaces: Hashable, Sendable {
    package var tables: [String: SourceLocation] = [:]
    /// In the 5.4 grammar, the first rule with this action.
    package var actions: [String: SourceLocation] = [:]
    package var keyPairs: [String: SourceLocation] = [:]
    package var filters: [String: SourceLocation] = [:]
    package var filterProcesses: [String: SourceLocation] = [:]
    package var submission: SourceLocation?
    package var compression: SourceLocation?
    package var encryption: SourceLocation?
    package init() {}
}

/// Which of the two languages a file is written in.
package enum Generation: UInt8, Hashable, Sendable {
    /// `accept` and `reject` rules (OpenSMTPD up to 6.0).
    case accept = 5
    /// `action` and `match` (OpenSMTPD 6.4 and later).
    case match = 7
}

/// A table named by a condition, compared literally or as regular expressions.
package struct TableReference: Hashable, Sendable {
    package var table: String
    /// `regex`: the table's entries are POSIX extended regular expressions.
    package var isRegex: Bool
    package init(_ table: String, isRegex: Bool = false) {
        self.table = table
        self.isRegex = isRegex
    }
}
