/// What a comparison of a password came to.
package enum PasswordVerdict: Hashable, Sendable {
    case right
    /// Wrong, or the user is unknown, locked, or may not log in: nobody is told which.
    case wrong
    /// Nobody could say, and why in one printable line for the log.
    case unavailable(String)
}
