/// The components that can be left out of a build, by their traits, and which of them are in this one.
enum Components {
    /// Which are in, and which are not; no line where there is none.
    static var lines: [String] {
        [("with", true), ("without", false)].compactMap { word, isIn in
            let names = all.filter { $0.isIn == isIn }.map(\.trait)
            return names.isEmpty ? nil : "\(word): \(names.joined(separator: " "))"
        }
    }

    private static var all: [(trait: String, isIn: Bool)] {
        [
            ("PAM", pam), ("DNSSEC", dnssec), ("SQLite", sqlite), ("MySQL", mysql), ("PostgreSQL", postgresql), ("LDAP", ldap),
            ("Redis", redis),
        ]
    }

    #if PAM
    private static let pam = true
    #else
    private static let pam = false
    #endif

    #if DNSSEC
    private static let dnssec = true
    #else
    private static let dnssec = false
    #endif

    #if SQLite
    private static let sqlite = true
    #else
    private static let sqlite = false
    #endif

    #if MySQL
    private static let mysql = true
    #else
    private static let mysql = false
    #endif

    #if PostgreSQL
    private static let postgresql = true
    #else
    private static let postgresql = false
    #endif

    #if LDAP
    private static let ldap = true
    #else
    private static let ldap = false
    #endif

    #if Redis
    private static let redis = true
    #else
    private static let redis = false
    #endif
}
