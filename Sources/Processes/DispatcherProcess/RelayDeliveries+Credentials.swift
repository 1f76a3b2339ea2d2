import Authentication
import Configuration
import EventLoop
import ProcessMessages
import Routing
import Tables
import WireFormat

/// Who we are to a smarthost: passwords and access tokens, kept here for the sessions and never in the router.
extension RelayDeliveries {
    func credentials(_ reference: CredentialsReference) async -> RoutingAnswer {
        let wasRefused = refusedTokens.remove(reference) != nil
        if case .command(let line, let user) = reference.tokens {
            return await token(TokenCommand(line: line, user: user), of: reference, wasRefused: wasRefused)
        }
        switch await value(reference.label, reference.table, .credentials) {
        case .found(let text):
            do throws(Tables.Credentials.SyntaxError) {
                let found = try Tables.Credentials(text, key: reference.label)
                let secret = Array(found.secret.utf8)
                identities[reference] = SASLIdentity(
                    user: found.user, secret: reference.tokens == .table ? .bearerToken(secret) : .password(secret))
                return .credentialsFound
            } catch {
                return .failed(.temporary("Table \(reference.table): malformed credentials of \(reference.label)"))
            }
        case .missing: return .failed(.notFound)
        case .failed(let reason): return .failed(.temporary("Table \(reference.table): \(reason)"))
        }
    }

    private func token(_ command: TokenCommand, of reference: CredentialsReference, wasRefused: Bool) async -> RoutingAnswer {
        guard reference.label.canBeKey else { return .failed(.notFound) }
        let request = dispatcher.relayTokens.next()
        dispatcher.lookup?.send(
            .relayToken(request: request, table: reference.table, label: reference.label, command, wasRefused: wasRefused))
        switch await dispatcher.relayTokens.answer(request) {
        case .found(let account, let token):
            identities[reference] = SASLIdentity(user: account, secret: .bearerToken(token))
            return .credentialsFound
        case .missing: return .failed(.notFound)
        case .failed(let reason): return .failed(.temporary(reason))
        case nil: return .failed(.temporary("no answer"))
        }
    }
}

extension String {
    /// Whether a table can be asked for it.
    var canBeKey: Bool { (1...WireReader.maximumNameLength).contains(utf8.count) && utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }
}
