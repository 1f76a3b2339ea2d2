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
    func user(_ name: String, in userbase: String) -> UserVerdict {
        let query = TableQuery(table: userbase, service: .userinfo, operation: .lookup, key: name)
        switch answer(query) {
        case .found(let value):
            do throws(UserInfo.SyntaxError) {
                let info = try UserInfo(value, name: name)
                return .found(UserEntry(name: info.name, uid: info.uid, gid: info.gid, directory: info.directory))
            } catch {
                return .failed("user information of \(name) cannot be read")
            }
        case .notFound: return .missing
        case .failed(let reason): return .failed(reason)
        }
    }

    func hostname(of address: IPAddress, in table: String) -> String? {
        let query = TableQuery(table: table, service: .addrname, operation: .lookup, key: address.bracketed)
        guard case .found(let name) = answer(query) else { return nil }
        return name
    }

    /// Nil when the new content is in force.
    func updateTable(_ name: String) -> String? {
        do throws(TableUpdateError) {
            try updateLoadedTable(name)
            context.log.info("table \(name) updated")
            return nil
        } catch {
            context.log.warning("table \(name) not updated: \(error)")
            return "\(error)"
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
