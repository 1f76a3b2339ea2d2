/// The components of a build that tables of some types need, for an operator whose build has them not.
package enum TableProgramTrait {
    /// The trait of the package that builds the program of a type; nil for types that need none and those of others.
    package static func trait(of type: String) -> String? {
        switch type {
        case "sqlite": "SQLite"
        case "mysql": "MySQL"
        case "postgres": "PostgreSQL"
        case "ldap": "LDAP"
        case "redis": "Redis"
        default: nil
        }
    }

    /// What to do where the program of a type is missing; nil where we know of none.
    package static func advice(for type: String) -> String? {
        trait(of: type).map { "the program table-\(type), which a build with the trait \($0) has (`swift build --traits default,\($0)`)" }
    }
}
