import Configuration
import Envelopes
import EventLoop
import MailSyntax
import ProcessMessages
import Rules
import TableBackends
import Tables

/// Single questions to tables, and reading them again.
extension LookupProcess {
    /// Asks a table. All but those of programs answer within the call, so that nobody waits for nothing.
    func ask(_ query: TableQuery, then report: @escaping @EventLoopActor (TableAnswer) -> Void) {
        if let answer = answerAtOnce(query) { return report(answer) }
        guard let program = programs[query.table] else { preconditionFailure("only a program makes us wait") }
        program.ask(query) { [self] answer in
            trace(query, answer)
            report(answer)
        }
    }

    /// The answer of a table that need not be waited for; nil when a program has to be asked.
    func answerAtOnce(_ query: TableQuery) -> TableAnswer? {
        let answer: TableAnswer
        if !programs.isEmpty, let program = programs[query.table] {
            guard let known = program.remembered(query) else { return nil }
            answer = known
        } else {
            answer = answerFromHere(query)
        }
        trace(query, answer)
        return answer
    }

    func answer(_ query: TableQuery) async -> TableAnswer {
        if let answer = answerAtOnce(query) { return answer }
        return await withUnsafeContinuation { continuation in ask(query) { continuation.resume(returning: $0) } }
    }

    func findUser(_ name: String, in userbase: String, then report: @escaping @EventLoopActor (UserVerdict) -> Void) {
        ask(TableQuery(table: userbase, service: .userinfo, operation: .lookup, key: name)) {
            report(UserVerdict($0, of: name))
        }
    }

    func findHostname(of address: IPAddress, in table: String, then report: @escaping @EventLoopActor (String?) -> Void) {
        ask(TableQuery(table: table, service: .addrname, operation: .lookup, key: address.bracketed)) { answer in
            if case .found(let name) = answer { report(name) } else { report(nil) }
        }
    }

    /// Calls back with nil when the new content is in force, else with the reason why not.
    func updateTable(_ name: String, then report: @escaping @EventLoopActor (String?) -> Void) {
        if let program = programs[name] {
            return program.update { [self] failure in
                forgetCredentials()
                tellUpdate(of: name, failure)
                report(failure)
            }
        }
        var failure: String?
        do throws(TableUpdateError) {
            try updateLoadedTable(name)
        } catch {
            failure = "\(error)"
        }
        tellUpdate(of: name, failure)
        report(failure)
    }

    private func tellUpdate(of name: String, _ failure: String?) {
        if let failure {
            context.log.warning("table \(name) not updated: \(failure)")
        } else {
            context.log.info("table \(name) updated")
        }
    }
}

extension UserVerdict {
    /// What the answer of a user base says of a user.
    fileprivate init(_ answer: TableAnswer, of name: String) {
        switch answer {
        case .found(let value):
            do throws(UserInfo.SyntaxError) {
                let info = try UserInfo(value, name: name)
                self = .found(UserEntry(name: info.name, uid: info.uid, gid: info.gid, directory: info.directory))
            } catch {
                self = .failed("user information of \(name) cannot be read")
            }
        case .notFound: self = .missing
        case .failed(let reason): self = .failed(reason)
        }
    }
}

extension LookupView {
    /// The tables that actions use as alias or virtual maps, whose files are read leniently.
    var aliasTables: Set<String> {
        var names: Set<String> = []
        for action in actions.values {
            guard case .local(let local) = action.kind else { continue }
            for table in [local.aliases, local.virtual] { if let table { names.insert(table) } }
        }
        return names
    }
}
