/// Where the passwords of a listener's clients are.
package enum CredentialSource: Hashable, Sendable {
    /// The system's user database.
    case systemUsers
    /// A table of credentials, by name.
    case table(String)
    /// The socket of Dovecot's authentication service, by its path.
    case dovecot(String)
}
