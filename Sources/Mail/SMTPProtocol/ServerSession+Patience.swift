/// Clients that talk and bring no mail.
extension ServerSession {
    /// Counts a command of a kind that could be said for ever: each is cheap, legal, and keeps a session alive. After
    /// a message the count begins anew. False when it was one too many, and the session is over.
    mutating func hasPatience(with command: Command) -> Bool {
        switch command {
        case .startTLS, .auth, .mail, .rcpt, .data, .bdat, .quit: return true
        // Refused, and counted as such.
        case .expn, .wiz: return true
        case .helo, .ehlo, .rset, .noop, .help, .vrfy: break
        }
        idleCommands += 1
        guard idleCommands > settings.limits.idleCommands else { return true }
        note(.tooManyIdleCommands)
        end(.tooManyIdleCommands, reply: .tooManyIdleCommands)
        return false
    }
}
