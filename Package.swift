// swift-tools-version: 6.2
// Martlet: one package, one target per room of the house (see ARCHITECTURE.md).
//
// Shelves: Mail and Policy know mail and no Unix; System knows Unix and no mail; Storage and
// Processes are where they meet. Tests/Architecture reads this file and the sources and fails
// when an import goes the wrong way.
import PackageDescription

let swift: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// A library target: `room("Mail", "MailSyntax")` lives in Sources/Mail/MailSyntax.
func room(_ shelf: String, _ name: String, _ imports: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: imports, path: "Sources/\(shelf)/\(name)", swiftSettings: swift)
}

/// An executable target: `program("smtpd", in: "Sources/Programs")`.
func program(_ name: String, in folder: String, _ imports: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: imports, path: folder, swiftSettings: swift)
}

/// What every role of the daemon imports.
let roleImports: [Target.Dependency] = [
    "RoleProcess", "ProcessMessages", "WireFormat", "EventLoop", "Interprocess", "Log", "Platform",
]

/// One role of the daemon: `process("QueueProcess")` lives in Sources/Processes/QueueProcess.
func process(_ name: String, _ imports: [Target.Dependency]) -> Target {
    room("Processes", name, roleImports + imports)
}

/// A target that is there with the trait PAM alone.
func pam(_ name: String) -> Target.Dependency { .target(name: name, condition: .when(traits: ["PAM"])) }

/// A target that is there with the trait DNSSEC alone.
func dnssec(_ name: String) -> Target.Dependency { .target(name: name, condition: .when(traits: ["DNSSEC"])) }

/// A module of C that is there with a trait alone.
func option(_ name: String, _ trait: String) -> Target.Dependency { .target(name: name, condition: .when(traits: [trait])) }

/// A target that is there with the trait Compression alone.
func compression(_ name: String) -> Target.Dependency { .target(name: name, condition: .when(traits: ["Compression"])) }

/// The tests of one room: `tests("Mail", "MailSyntax")` lives in Tests/Mail/MailSyntaxTests.
/// Folders that hold data of the tests are named, since they are no sources.
func tests(
    _ shelf: String, _ name: String, _ imports: [Target.Dependency] = [], data folders: [String] = []
) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: [.target(name: name), "SeededTesting"] + imports,
        path: "Tests/\(shelf)/\(name)Tests", exclude: folders, swiftSettings: swift)
}

let package = Package(
    name: "martlet",
    products: [
        .executable(name: "smtpd", targets: ["smtpd"]),
        .executable(name: "smtpctl", targets: ["smtpctl"]),
        .executable(name: "sendmail", targets: ["sendmail"]),
        .executable(name: "sendmail-offline", targets: ["sendmail-offline"]),
        .executable(name: "mail.agent", targets: ["mail.agent"]),
        .executable(name: "table-sqlite", targets: ["table-sqlite"]),
        .executable(name: "table-mysql", targets: ["table-mysql"]),
        .executable(name: "table-postgres", targets: ["table-postgres"]),
        .executable(name: "table-ldap", targets: ["table-ldap"]),
        .executable(name: "table-redis", targets: ["table-redis"]),
        .executable(name: "table-socketmap", targets: ["table-socketmap"]),
        .executable(name: "makemap", targets: ["makemap"]),
    ],
    traits: [
        // Each stands for a library that can be left out. `swift build --disable-default-traits` leaves all out.
        .trait(name: "PAM", description: "Users of the system authenticate through PAM"),
        .trait(name: "DNSSEC", description: "Answers of the DNS are validated, by libunbound"),
        .trait(name: "SQLite", description: "table-sqlite, by libsqlite3"),
        .trait(name: "MySQL", description: "table-mysql, by libmariadb"),
        .trait(name: "PostgreSQL", description: "table-postgres, by libpq"),
        .trait(name: "LDAP", description: "table-ldap, by libldap"),
        .trait(name: "Redis", description: "table-redis, by libhiredis"),
        .trait(name: "Compression", description: "The queue can be compressed, by zlib"),
        .default(enabledTraits: ["PAM", "Compression"]),
    ],
    targets: [
        // Mail: RFCs as values and machines.
        room("Mail", "MailSyntax"),
        room("Mail", "JSON"),
        room("Mail", "SenderPolicy", ["MailSyntax"]),
        room("Mail", "Envelopes", ["JSON", "MailSyntax"]),
        room("Mail", "Authentication", ["MailSyntax"]),
        room("Mail", "SMTPProtocol", ["MailSyntax", "Envelopes", "Authentication"]),

        // Policy: what the operator wants.
        room("Policy", "Tables", ["MailSyntax"]),
        room("Policy", "Configuration", ["Authentication", "MailSyntax", "Tables"]),
        room("Policy", "Filters", ["MailSyntax", "Envelopes", "SMTPProtocol", "Tables", "Configuration"]),
        room("Policy", "Rules", ["JSON", "MailSyntax", "Envelopes", "SMTPProtocol", "Tables", "Configuration"]),
        room("Policy", "Scheduling", ["Envelopes"]),
        room("Policy", "Routing", ["JSON", "MailSyntax", "Envelopes", "Configuration"]),
        room("Policy", "Milters", ["MailSyntax", "SMTPProtocol"]),

        // System: Unix.
        .target(name: "CPlatform", path: "compat/Platform", publicHeadersPath: "include"),
        .target(
            name: "CConcurrencyHooks", path: "compat/ConcurrencyHooks", publicHeadersPath: "include"),
        .systemLibrary(
            name: "CLibevent", path: "compat/CLibevent", pkgConfig: "libevent",
            providers: [.apt(["libevent-dev"])]),
        .systemLibrary(
            name: "COpenSSL", path: "compat/COpenSSL", pkgConfig: "libssl", providers: [.apt(["libssl-dev"])]),
        room("System", "Platform", ["CPlatform"]),
        room("System", "Log", ["CPlatform", "Platform"]),
        room("System", "WireFormat"),
        .target(
            name: "CCrypt", path: "compat/Crypt", publicHeadersPath: "include", linkerSettings: [.linkedLibrary("crypt")]),
        room("System", "Cryptography", ["COpenSSL", "CCrypt", "Platform"]),
        room("System", "EventLoop", ["CPlatform", "CConcurrencyHooks", "CLibevent", "Platform"]),
        room("System", "Resolver", ["Platform", "EventLoop"]),
        room("System", "Interprocess", ["CPlatform", "Platform", "WireFormat", "EventLoop"]),
        .target(name: "CTLS", dependencies: ["COpenSSL"], path: "compat/OpenSSL", publicHeadersPath: "include"),
        room("System", "TLS", ["CTLS", "COpenSSL", "Platform", "EventLoop"]),

        // Storage: mail kept in Unix.
        room("Storage", "QueueStorage", ["MailSyntax", "Envelopes", "Platform"]),
        room("Storage", "TableBackends", ["Tables", "Platform"]),
        room("Storage", "ProgramTables", ["Tables", "EventLoop", "Log", "Platform"]),
        room("Storage", "Passwords", ["Authentication", "Cryptography", "MailSyntax", "Platform"]),
        room("Storage", "Certificates", ["Configuration", "MailSyntax", "Platform", "EventLoop", "TLS"]),
        room("Storage", "MailboxDelivery", ["MailSyntax", "Envelopes", "SMTPProtocol", "Platform"]),

        // Processes: one module per role, composition only.
        room("Processes", "ControlMessages", ["Envelopes", "MailSyntax", "WireFormat", "Platform"]),
        room("Processes", "AgentMessages", ["MailSyntax", "Envelopes", "WireFormat"]),
        room(
            "Processes", "ProcessMessages",
            ["Authentication", "MailSyntax", "Envelopes", "Routing", "Rules", "SMTPProtocol", "Scheduling", "Tables", "WireFormat"]),

        room(
            "Processes", "RoleProcess",
            [
                "JSON", "MailSyntax", "SMTPProtocol", "ProcessMessages", "WireFormat", "EventLoop", "Interprocess", "Log", "Platform", "Resolver",
            ]),
        process(
            "ParentProcess",
            [
                "Authentication", "Configuration", "Certificates", "TLS", "Tables", "Filters", "MailSyntax", "ProgramTables", "TableBackends",
                "AgentMessages", "QueueEncryption",
            ]),
        process(
            "ControlProcess", ["Configuration", "Envelopes", "MailSyntax", "Routing", "Rules", "Scheduling", "ControlMessages"]),
        process(
            "LookupProcess",
            [
                "Authentication", "Configuration", "Cryptography", "Envelopes", "Filters", "MailSyntax", "Passwords",
                "ProgramTables", "SMTPProtocol", "Tables", "Rules", "TableBackends", "Resolver", dnssec("ValidatingResolver"),
            ]),
        process(
            "QueueProcess",
            [
                "Configuration", "Envelopes", "JSON", "MailSyntax", "QueueStorage", "Scheduling", "QueueCompression", "QueueEncryption",
            ]),
        process("SchedulerProcess", ["Configuration", "Envelopes", "Scheduling"]),
        process(
            "DispatcherProcess",
            [
                "Authentication", "Configuration", "Certificates", "TLS", "Envelopes", "MailSyntax", "SMTPProtocol", "Tables", "Filters", "Milters",
                "Rules", "Routing", "Cryptography", "Passwords", "AgentMessages",
            ]),
        process("CryptoProcess", ["TLS"]),
        process("CheckerProcess", ["Authentication", "Passwords", pam("AuthenticationPAM")]),
        process(
            "ExplanationProcess",
            ["Configuration", "Cryptography", "MailSyntax", "ProgramTables", "Resolver", "Rules", "TableBackends", "Tables"]),

        // Programs.
        program(
            "smtpd", in: "Sources/Programs/smtpd",
            [
                "ParentProcess", "ControlProcess", "LookupProcess", "QueueProcess", "SchedulerProcess",
                "DispatcherProcess", "CryptoProcess", "CheckerProcess", "ExplanationProcess", "RoleProcess", "ProcessMessages",
                "Configuration", "Certificates",
                "Log", "Platform",
            ]),
        program(
            "smtpctl", in: "Sources/Programs/smtpctl",
            [
                "ControlMessages", "Cryptography", "Envelopes", "EventLoop", "JSON", "MailSyntax", "OfflineStore", "Platform",
                "QueueCompression", "QueueEncryption", "QueueStorage", "Resolver", "RoleProcess", "Rules", "SenderPolicy", "TLS",
                "WireFormat",
            ]),
        program("makemap", in: "Sources/Programs/makemap", ["TableBackends", "Tables", "Platform"]),
        program(
            "mail.agent", in: "Sources/Programs/mail.agent",
            ["MailboxDelivery", "MailSyntax", "Envelopes", "SMTPProtocol", "Platform", "WireFormat", "AgentMessages"]),

        // compat: PAM, which can be left out.
        .systemLibrary(name: "CPAM", path: "compat/PAM/CPAM", providers: [.apt(["libpam0g-dev"])]),
        .target(
            name: "AuthenticationPAM", dependencies: ["Authentication", pam("CPAM")],
            path: "compat/PAM/AuthenticationPAM", swiftSettings: swift),

        // Options: what is behind traits, in Swift.
        .systemLibrary(name: "CUnbound", path: "compat/CUnbound", providers: [.apt(["libunbound-dev"])]),
        .systemLibrary(name: "CZlib", path: "compat/CZlib", providers: [.apt(["zlib1g-dev"])]),
        room("Options", "QueueCompression", [compression("CZlib"), "QueueStorage"]),
        room("Options", "QueueEncryption", ["Cryptography", "Platform", "QueueStorage"]),
        room("Options", "ValidatingResolver", [dnssec("CUnbound"), "EventLoop", "Platform", "Resolver"]),

        // The programs of tables: the daemon links none of these libraries, it starts the programs.
        .systemLibrary(
            name: "CSQLite", path: "compat/CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(
            name: "CMariaDB", path: "compat/CMariaDB", pkgConfig: "libmariadb", providers: [.apt(["libmariadb-dev"])]),
        .systemLibrary(
            name: "CPostgreSQL", path: "compat/CPostgreSQL", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CLDAP", path: "compat/CLDAP", pkgConfig: "ldap", providers: [.apt(["libldap-dev"])]),
        .systemLibrary(
            name: "CHiredis", path: "compat/CHiredis", providers: [.apt(["libhiredis-dev"])]),
        room("Options", "TableProgram", ["Tables", "Platform"]),
        program(
            "table-sqlite", in: "Sources/Options/TableSQLite",
            ["TableProgram", "Tables", "Platform", option("CSQLite", "SQLite")]),
        program(
            "table-mysql", in: "Sources/Options/TableMySQL",
            ["TableProgram", "Tables", "Platform", option("CMariaDB", "MySQL")]),
        program(
            "table-postgres", in: "Sources/Options/TablePostgreSQL",
            ["TableProgram", "Tables", "Platform", option("CPostgreSQL", "PostgreSQL")]),
        program(
            "table-ldap", in: "Sources/Options/TableLDAP",
            ["TableProgram", "Tables", "Platform", option("CLDAP", "LDAP")]),
        program(
            "table-redis", in: "Sources/Options/TableRedis",
            ["TableProgram", "Tables", "Platform", option("CHiredis", "Redis")]),
        program("table-socketmap", in: "Sources/Options/TableSocketmap", ["TableProgram", "Tables", "Platform"]),

        // compat: the drop-in.
        .target(
            name: "Submission", dependencies: ["MailSyntax", "Envelopes", "WireFormat"],
            path: "compat/Sendmail/Submission",
            swiftSettings: swift),
        .target(
            name: "OfflineStore", dependencies: ["Submission", "Platform"], path: "compat/Sendmail/OfflineStore",
            swiftSettings: swift),
        .target(
            name: "CEmptyEnvironment", path: "compat/Sendmail/CEmptyEnvironment", publicHeadersPath: "include"),
        program(
            "sendmail", in: "compat/Sendmail/sendmail",
            ["Submission", "OfflineStore", "MailSyntax", "Envelopes", "Tables", "Platform", "ControlMessages"]),
        program(
            "sendmail-offline", in: "compat/Sendmail/sendmail-offline",
            ["Submission", "OfflineStore", "CEmptyEnvironment", "Platform"]),

        // Tests mirror the shelves.
        program("LoopProbe", in: "Tests/Support/LoopProbe", ["EventLoop", "Interprocess", "Platform", "WireFormat"]),
        .target(name: "SeededTesting", path: "Tests/Support/SeededTesting", swiftSettings: swift),
        .target(
            name: "WireTesting", dependencies: ["WireFormat", "SeededTesting"], path: "Tests/Support/WireTesting",
            swiftSettings: swift),
        .target(
            name: "LoopTesting", dependencies: ["EventLoop", "Platform"], path: "Tests/Support/LoopTesting",
            swiftSettings: swift),
        .target(
            name: "DNSTesting", dependencies: ["Platform"], path: "Tests/Support/DNSTesting",
            swiftSettings: swift),
        .target(
            name: "ServerTesting", dependencies: ["Platform"], path: "Tests/Support/ServerTesting",
            swiftSettings: swift),
        tests("Mail", "MailSyntax"),
        tests("Mail", "JSON"),
        tests("Mail", "SenderPolicy", ["MailSyntax"]),
        tests("Mail", "Envelopes", ["JSON"]),
        tests("Mail", "SMTPProtocol", ["Authentication"], data: ["Dialogues"]),
        tests("Mail", "Authentication", ["MailSyntax", "Passwords"]),
        tests("Policy", "Tables"),
        tests("Policy", "Configuration"),
        tests("Policy", "Rules", ["Cryptography"]),
        tests("Policy", "Scheduling"),
        tests("Policy", "Milters", ["MailSyntax", "SMTPProtocol"]),
        tests("Policy", "Filters", ["Configuration", "Envelopes", "MailSyntax", "SMTPProtocol", "Tables"]),
        tests("Policy", "Routing", ["MailSyntax", "Envelopes", "Configuration", "Scheduling"]),
        tests("System", "Platform", ["LoopTesting", "LoopProbe"]),
        tests("System", "Log"),
        tests("System", "WireFormat", ["WireTesting"]),
        tests("System", "Cryptography"),
        tests("System", "EventLoop", ["Platform", "LoopTesting", "LoopProbe"]),
        tests("System", "Resolver", ["EventLoop", "LoopTesting", "DNSTesting", "Platform"]),
        tests("System", "Interprocess", ["Platform", "WireFormat", "EventLoop", "LoopTesting", "LoopProbe", "WireTesting"]),
        tests("System", "TLS", ["COpenSSL", "CTLS", "EventLoop", "Platform", "LoopTesting", "ServerTesting"]),
        tests("Storage", "Certificates", ["Configuration", "Platform", "ServerTesting"]),
        tests("Storage", "QueueStorage", ["QueueCompression", "QueueEncryption", "Cryptography"]),
        tests("Storage", "TableBackends"),
        tests("Storage", "Passwords", ["Authentication", "Cryptography"]),
        tests("Storage", "MailboxDelivery", ["MailSyntax", "Envelopes", "SMTPProtocol", "Platform"]),
        tests("Processes", "AgentMessages", ["MailSyntax", "Envelopes", "WireFormat", "WireTesting"]),
        tests("Processes", "ControlMessages", ["WireFormat", "Envelopes", "WireTesting"]),
        tests(
            "Processes", "ProcessMessages",
            [
                "Authentication", "MailSyntax", "Envelopes", "Routing", "Rules", "SMTPProtocol", "Scheduling", "Tables", "WireFormat",
                "WireTesting",
            ]),
        tests(
            "Processes", "DispatcherProcess",
            ["Configuration", "EventLoop", "LoopTesting", "MailSyntax", "ProcessMessages", "SMTPProtocol"]),
        tests("Processes", "ControlProcess", ["ProcessMessages", "RoleProcess"]),
        tests("Processes", "CryptoProcess", ["EventLoop", "Platform", "ServerTesting", "TLS"]),
        tests(
            "Processes", "QueueProcess",
            ["MailSyntax", "Envelopes", "QueueStorage", "ProcessMessages", "RoleProcess", "Platform"]),
        tests("Options", "ValidatingResolver", ["DNSTesting", "EventLoop", "LoopTesting", "Platform", "Resolver"]),
        tests("Options", "TableProgram", ["Tables"]),
        // With real databases: Tests/tables builds the programs with their libraries, and says where they are.
        .testTarget(
            name: "TableEngineTests", dependencies: ["ServerTesting", "Platform"], path: "Tests/Options/TableEngineTests",
            swiftSettings: swift),
        // With real processes: the programs are built along, and found beside the test bundle.
        .testTarget(
            name: "IntegrationTests",
            dependencies: ["ServerTesting", "DNSTesting", "Platform", "smtpd", "smtpctl", "sendmail", "mail.agent", "makemap"],
            path: "Tests/Integration", swiftSettings: swift),
        .testTarget(
            name: "WholeServerTests",
            dependencies: ["ServerTesting", "Platform", "smtpd", "smtpctl", "sendmail", "mail.agent"],
            path: "Tests/WholeServer", swiftSettings: swift),
        .testTarget(name: "ArchitectureTests", path: "Tests/Architecture", swiftSettings: swift),
        .testTarget(
            name: "DocumentationTests",
            dependencies: ["Configuration", "MailSyntax", "Platform", "ServerTesting", "TableProgram", "Tables"],
            path: "Tests/Documentation", swiftSettings: swift),
        .testTarget(
            name: "MailAgentTests",
            dependencies: ["ServerTesting", "mail.agent", "AgentMessages", "MailSyntax", "Envelopes", "WireFormat", "Platform"],
            path: "Tests/Programs/MailAgentTests", swiftSettings: swift),
        .testTarget(
            name: "MakemapTests", dependencies: ["makemap", "ServerTesting", "TableBackends", "Tables", "Platform"],
            path: "Tests/Programs/MakemapTests", swiftSettings: swift),
        .testTarget(
            name: "SmtpctlTests", dependencies: ["smtpctl", "ControlMessages", "Envelopes", "JSON", "MailSyntax", "SeededTesting"],
            path: "Tests/Programs/SmtpctlTests", swiftSettings: swift),
        // With real processes: the programs are built along, and found beside the test bundle.
        .testTarget(
            name: "SmtpdTests", dependencies: ["ServerTesting", "ParentProcess", "Authentication", "ProcessMessages", "WireFormat", "smtpd", "smtpctl", "sendmail", "mail.agent", "Platform"],
            path: "Tests/Programs/SmtpdTests", swiftSettings: swift),
        // Not sendmail-offline, though it is run: linked into the tests it would empty their environment, and
        // with it what tells the child of an exit test which test it is. A build of the package makes it.
        .testTarget(
            name: "SendmailProgramTests",
            dependencies: [
                "ServerTesting", "sendmail", "Submission", "ControlMessages", "SMTPProtocol", "MailSyntax", "Envelopes",
                "WireFormat", "Platform",
            ], path: "Tests/Sendmail/SendmailProgramTests", swiftSettings: swift),
        .testTarget(
            name: "SubmissionTests", dependencies: ["Submission", "MailSyntax", "Envelopes", "WireFormat", "SeededTesting"],
            path: "Tests/Sendmail/SubmissionTests", swiftSettings: swift),
    ]
)
