import Configuration
import EventLoop
import Log
import ProcessMessages
import Tables

/// Access tokens of OAuth 2.0 that a command makes, kept for as long as they are good.
extension LookupProcess {
    struct TokenKey: Hashable {
        let table: String
        let label: String
        let command: TokenCommand
    }

    struct KeptToken {
        let secret: String
        let account: String
        let token: [UInt8]
        let until: MonotonicInstant
    }

    /// Seconds for which a token is good whose command does not say.
    private static let usualLifetime: Int64 = 300
    /// Seconds before its end at which it is replaced: longer than who asks may keep it.
    private static let margin: Int64 = 90

    func relayToken(of key: TokenKey, wasRefused: Bool) async -> RelayToken {
        guard isUsed(key) else { return .failed("no relay action makes tokens so") }
        let credentials: Tables.Credentials
        switch await answer(TableQuery(table: key.table, service: .credentials, operation: .lookup, key: key.label)) {
        case .notFound: return .missing
        case .failed(let reason): return .failed("Table \(key.table): \(reason)")
        case .found(let value):
            do throws(Tables.Credentials.SyntaxError) {
                credentials = try Tables.Credentials(value, key: key.label)
            } catch {
                return .failed("Table \(key.table): malformed credentials of \(key.label)")
            }
        }
        if wasRefused { keptTokens[key] = nil }
        if let kept = keptTokens[key], kept.secret == credentials.secret, kept.account == credentials.user, .now() < kept.until {
            return .found(account: kept.account, kept.token)
        }
        let request = tokens.next()
        parent?.send(
            .makeToken(request: request, TokenQuestion(key.command, account: credentials.user, secret: credentials.secret)))
        switch await tokens.answer(request) {
        case .printed(let token, let seconds):
            let lifetime = max(0, seconds.map { Int64($0) } ?? Self.usualLifetime) - Self.margin
            // Keys are of the configuration and its tables, and few; what is left of an old one goes with a reload.
            keptTokens[key] = KeptToken(
                secret: credentials.secret, account: credentials.user, token: token, until: .now() + .seconds(max(0, lifetime)))
            return .found(account: credentials.user, token)
        case .failed(let reason):
            context.log.warning("token command for \(key.label) of table \(key.table): \(reason)")
            return .failed("Token command: \(reason)")
        case nil: return .failed("Token command: no answer")
        }
    }

    private func isUsed(_ key: TokenKey) -> Bool {
        guard let view else { return false }
        return view.actions.values.contains { action in
            guard case .relay(let relay) = action.kind else { return false }
            return relay.auth == key.table && relay.tokens == .command(key.command.line, user: key.command.user)
        }
    }
}
