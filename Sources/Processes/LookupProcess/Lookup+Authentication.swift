import Authentication
import Configuration
import Cryptography
import EventLoop
import Interprocess
import Log
import MailSyntax
import Passwords
import ProcessMessages
import Tables

/// Who clients are: exchanges of SASL, with passwords from tables, the system's users, or Dovecot.
///
/// The dispatcher passes on what clients say and hears verdicts: it never holds what a password is compared with.
/// A comparison that takes long is the parent's (``LookupToParent/checkPassword(request:_:)``), so that nobody else
/// waits for it here.
extension LookupProcess {
    /// Exchanges under way, and what they need that outlives one.
    struct Authentications {
        enum Exchange {
            case own(SASLServer, AuthenticationStart)
            case dovecot(DovecotConnection, UInt32)
        }

        var exchanges: [UInt64: Exchange] = [:]
        /// Exchanges whose client left while a question was open.
        var abandoned: Set<UInt64> = []
        /// Exchanges with an open question.
        var busy: Set<UInt64> = []
        /// Makes salts and keys for users without any; nobody outside knows it.
        let secret = cryptographicRandom(32)
        /// A stored password of each table, compared with when a user is not found.
        var samples: [String: String] = [:]
        /// Whether SCRAM is offered with a table, as far as it was found out.
        var offersSCRAM: [String: Bool] = [:]
        var dovecots: [String: DovecotConnection] = [:]

        /// More than a dispatcher has sessions.
        static let maximum = 100_000
    }

    /// A new view or a table read again: what was learnt of tables may be wrong.
    func forgetCredentials() {
        authentications.samples = [:]
        authentications.offersSCRAM = [:]
    }

    // MARK: Mechanisms

    func mechanisms(of source: CredentialSource) async -> [String] {
        let passwords = [SASLMechanism.plain.name, SASLMechanism.login.name]
        switch source {
        case .systemUsers:
            return passwords
        case .table(let name):
            return offersSCRAM(name) ? [SASLMechanism.scramSHA256.name] + passwords : passwords
        case .dovecot(let path):
            guard let connection = dovecot(path) else { return passwords }
            guard let offered = await connection.offeredMechanisms(), !offered.isEmpty else { return passwords }
            return offered
        }
    }

    /// A client that is offered SCRAM uses it and no other: so every entry must allow it, and a table that cannot
    /// say what it holds does not.
    private func offersSCRAM(_ table: String) -> Bool {
        if let known = authentications.offersSCRAM[table] { return known }
        let values = storedValues(in: table) ?? []
        let offers = !values.isEmpty && values.allSatisfy { value in
            guard let credentials = try? Tables.Credentials(value, key: "x"),
                let stored = try? StoredPassword(parsing: credentials.secret)
            else { return false }
            switch stored {
            case .plain: return true
            case .scram(let keys): return keys.algorithm == .sha256
            case .crypt, .digest, .derived: return false
            }
        }
        authentications.offersSCRAM[table] = offers
        return offers
    }

    // MARK: Exchanges

    func authenticate(_ exchange: UInt64, _ start: AuthenticationStart) async -> AuthenticationVerdict {
        guard authentications.exchanges.count + authentications.busy.count < Authentications.maximum else {
            return unavailable("too many authentications under way")
        }
        authentications.busy.insert(exchange)
        defer { finishQuestion(exchange) }
        if case .dovecot(let path) = start.source {
            guard let connection = dovecot(path) else { return unavailable("\(path) is not in the configuration") }
            let (number, answer) = await connection.start(
                DovecotClient.Request(
                    mechanism: start.mechanism, initialResponse: start.initialResponse,
                    client: start.client?.description, server: start.server?.description))
            return verdict(answer, exchange, connection, number)
        }
        guard let mechanism = SASLMechanism(name: start.mechanism.utf8),
            var server = SASLServer(
                mechanism: mechanism, nonce: Base64.encoded(cryptographicRandom(18)), functions: .libcrypto)
        else { return .refused(user: nil, reason: "unknown mechanism") }
        let step = server.start(start.initialResponse)
        return await advance(exchange, server, start, step)
    }

    func continueAuthentication(_ exchange: UInt64, _ response: [UInt8]) async -> AuthenticationVerdict {
        guard let state = authentications.exchanges.removeValue(forKey: exchange) else {
            return .refused(user: nil, reason: "no such exchange")
        }
        authentications.busy.insert(exchange)
        defer { finishQuestion(exchange) }
        switch state {
        case .own(var server, let start):
            let step = server.respond(response)
            return await advance(exchange, server, start, step)
        case .dovecot(let connection, let number):
            return verdict(await connection.respond(number, response), exchange, connection, number)
        }
    }

    func abandonAuthentication(_ exchange: UInt64) {
        if authentications.busy.contains(exchange) {
            authentications.abandoned.insert(exchange)
        } else {
            forget(exchange)
        }
    }

    private func finishQuestion(_ exchange: UInt64) {
        authentications.busy.remove(exchange)
        if authentications.abandoned.remove(exchange) != nil { forget(exchange) }
    }

    private func forget(_ exchange: UInt64) {
        if case .dovecot(let connection, let number) = authentications.exchanges.removeValue(forKey: exchange) {
            connection.cancel(number)
        }
    }

    /// Carries out what the mechanism asks for, up to something to say to the client.
    private func advance(
        _ exchange: UInt64, _ machine: SASLServer, _ start: AuthenticationStart, _ first: SASLServerStep
    ) async -> AuthenticationVerdict {
        var server = machine
        var step = first
        while true {
            switch step {
            case .challenge(let octets):
                authentications.exchanges[exchange] = .own(server, start)
                return .challenge(octets)
            case .checkPassword(let user, let password):
                switch await check(password, of: user, start) {
                case .right: step = server.passwordChecked(true)
                case .wrong: step = server.passwordChecked(false)
                case .unavailable(let reason): return unavailable(reason)
                }
            case .findKeys(let user):
                switch await keys(of: user, start) {
                case .success(let keys): step = server.keysFound(keys)
                case .failure(let failure): return unavailable(failure.reason)
                }
            case .succeeded(let user):
                return .accepted(user: user)
            case .failed(let failure, let user):
                return .refused(user: user, reason: failure.reason)
            }
        }
    }

    private func verdict(
        _ answer: DovecotConnection.Answer, _ exchange: UInt64, _ connection: DovecotConnection, _ number: UInt32?
    ) -> AuthenticationVerdict {
        switch answer {
        case .challenge(let octets):
            guard let number else { return unavailable("a challenge without an exchange") }
            authentications.exchanges[exchange] = .dovecot(connection, number)
            return .challenge(octets)
        case .accepted(let user): return .accepted(user: user)
        case .refused(let user, let reason): return .refused(user: user, reason: reason)
        case .unavailable(let reason): return unavailable(reason)
        }
    }

    private func unavailable(_ reason: String) -> AuthenticationVerdict {
        context.log.warning("authentication: \(reason)")
        return .unavailable
    }

    /// Only to sockets that the configuration names: the dispatcher must not choose where we connect to.
    private func dovecot(_ path: String) -> DovecotConnection? {
        guard view?.dovecotSockets.contains(path) == true else { return nil }
        if let known = authentications.dovecots[path] { return known }
        let connection = DovecotConnection(path: path, log: context.log)
        authentications.dovecots[path] = connection
        return connection
    }

    // MARK: Passwords

    private struct KeyFailure: Error {
        let reason: String
    }

    private func check(_ password: [UInt8], of user: String, _ start: AuthenticationStart) async -> PasswordVerdict {
        switch start.source {
        case .systemUsers:
            return await askParent(.systemUser(user, password: password, client: start.client))
        case .table(let table):
            if let program = programs[table], await program.serves(.auth) {
                return await checkedByProgram(password, of: user, in: table)
            }
            switch await stored(of: user, in: table) {
            case .success(let text?):
                authentications.samples[table] = text
                return await compare(password, with: text)
            case .success(nil):
                // As long as for a wrong password, and then wrong.
                guard let sample = authentications.samples[table] else { return .wrong }
                if case .unavailable(let reason) = await compare(password, with: sample) {
                    return .unavailable(reason)
                }
                return .wrong
            case .failure(let failure): return .unavailable(failure.reason)
            }
        case .dovecot:
            preconditionFailure("Dovecot compares its passwords itself")
        }
    }

    /// A program that compares itself, and keeps what it compares with.
    private func checkedByProgram(_ password: [UInt8], of user: String, in table: String) async -> PasswordVerdict {
        // The protocol has text; no password that is none can be right.
        guard let text = String(validating: password, as: UTF8.self) else { return .wrong }
        switch await answer(TableQuery(table: table, service: .auth, operation: .match, key: "\(user):\(text)")) {
        case .found: return .right
        case .notFound: return .wrong
        case .failed(let reason): return .unavailable("table \(table): \(reason)")
        }
    }

    private func compare(_ password: [UInt8], with text: String) async -> PasswordVerdict {
        do throws(StoredPassword.Failure) {
            let stored = try StoredPassword(parsing: text)
            if stored.isQuick { return PasswordComparison.compare(password, with: stored) }
        } catch {
            return .unavailable(error.reason)
        }
        return await askParent(.stored(text, password: password))
    }

    private func askParent(_ question: PasswordQuestion) async -> PasswordVerdict {
        let request = passwords.next()
        parent?.send(.checkPassword(request: request, question))
        return await passwords.answer(request) ?? .unavailable("the parent is gone")
    }

    /// What a table holds of a user; nil for a user it does not have.
    private func stored(of user: String, in table: String) async -> Result<String?, KeyFailure> {
        let query = TableQuery(table: table, service: .credentials, operation: .lookup, key: user)
        switch await answer(query) {
        case .found(let value):
            do throws(Tables.Credentials.SyntaxError) {
                return .success(try Tables.Credentials(value, key: user).secret)
            } catch {
                return .failure(KeyFailure(reason: "table \(table): credentials of \(user) cannot be read"))
            }
        case .notFound: return .success(nil)
        case .failed(let reason): return .failure(KeyFailure(reason: "table \(table): \(reason)"))
        }
    }

    /// Keys for SCRAM; those of a user who has none fit no password.
    private func keys(of user: String, _ start: AuthenticationStart) async -> Result<SCRAMKeys, KeyFailure> {
        let decoy = SCRAMKeys(decoyFor: user, secret: authentications.secret, with: .libcrypto)
        guard case .table(let table) = start.source else { return .success(decoy) }
        switch await stored(of: user, in: table) {
        case .success(let text?):
            do throws(StoredPassword.Failure) {
                let stored = try StoredPassword(parsing: text)
                return .success(stored.scramKeys(salt: decoy.salt, with: .libcrypto) ?? decoy)
            } catch {
                return .failure(KeyFailure(reason: error.reason))
            }
        case .success(nil): return .success(decoy)
        case .failure(let failure): return .failure(failure)
        }
    }
}

extension SASLFailure {
    /// In words for the log.
    fileprivate var reason: String {
        switch self {
        case .malformed: "malformed message"
        case .unacceptableName: "unacceptable name"
        case .wrongCredentials: "wrong credentials"
        case .authorizationRefused: "may not act for others"
        case .channelBindingNotOffered: "channel binding is not offered"
        case .unexpectedMessage: "unexpected message"
        case .iterationsOutOfRange, .serverNotProven, .tokenRefused: "failure of a client"
        }
    }
}
