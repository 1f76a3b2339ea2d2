import Authentication
import Configuration
import EventLoop
import Interprocess
import Log
import Platform
import ProcessMessages
import RoleProcess
import TableBackends
import Tables

/// Decides about addresses: holds the rules and the tables, and answers what the others ask of them.
@EventLoopActor
package final class LookupProcess: RoleProcess {
    package static let role = Role.lookup
    package static let privileges = RolePrivileges(user: .daemon, root: .all, calls: [.files, .sockets, .loadingCode])

    let context: RoleContext
    var view: LookupView?
    private var loadedTables: TableSet?
    var dispatcher: Link<LookupToDispatcher, DispatcherToLookup>?
    var queue: Link<LookupToQueue, QueueToLookup>?
    var control: Link<LookupToControl, ControlToLookup>?
    var parent: Link<LookupToParent, ParentToLookup>?
    /// Questions about .forward files that the parent has not answered yet.
    let forwards = PendingRequests<ForwardFile>()
    /// Comparisons of passwords that the parent has not answered yet.
    let passwords = PendingRequests<PasswordVerdict>()
    var authentications = Authentications()

    private(set) lazy var resolver = makeResolver()

    package init(context: RoleContext) {
        self.context = context
    }

    package func configure(_ encoded: [UInt8]) throws(ViewRefused) {
        let view: LookupView
        do throws(DecodingFailure) {
            view = try LookupView(decoding: encoded)
        } catch {
            throw ViewRefused("view of the configuration: \(error)")
        }
        do throws(TableSet.LoadError) {
            let tables = try TableSet(view.tables, aliasTables: view.aliasTables, subaddressDelimiter: view.subaddressDelimiter)
            for warning in tables.warnings { context.log.warning(warning) }
            loadedTables = tables
        } catch {
            throw ViewRefused("\(error)")
        }
        self.view = view
        forgetCredentials()
        for (path, connection) in authentications.dovecots where !view.dovecotSockets.contains(path) {
            connection.close()
            authentications.dovecots[path] = nil
        }
    }

    /// Asks a table; one that is not there cannot say.
    func answer(_ query: TableQuery) -> TableAnswer {
        let answer = loadedTables?.answer(query) ?? .failed("no tables are loaded")
        trace(query, answer)
        return answer
    }

    func updateLoadedTable(_ name: String) throws(TableUpdateError) {
        try loadedTables?.update(name)
        forgetCredentials()
    }

    /// The values of a table that has them all at hand; nil for any other.
    func storedValues(in table: String) -> [String]? { loadedTables?.values(of: table) }

    package func connect(_ peer: Role, over descriptor: consuming OwnedDescriptor) {
        switch peer {
        case .dispatcher:
            dispatcher = context.link(to: peer, over: descriptor) { [unowned self] message, _ in receive(message) }
        case .queue:
            queue = context.link(to: peer, over: descriptor) { [unowned self] message, _ in receive(message) }
        case .control:
            control = context.link(to: peer, over: descriptor) { [unowned self] message, _ in receive(message) }
        case .parent:
            parent = context.link(to: peer, over: descriptor) { [unowned self] message, _ in receive(message) }
        case .lookup, .scheduler, .crypto:
            context.fail("\(peer.name) is no peer of lookup")
        }
    }

    package func serve() {}

    package func shutdown() async {}

    // MARK: What comes in

    func receive(_ message: DispatcherToLookup) {
        switch message {
        case .expand(let request, let recipient, let transaction):
            expand(recipient, of: transaction) { [unowned self] in dispatcher?.send(.expanded(request: request, $0)) }
        case .user(let request, let userbase, let name):
            dispatcher?.send(.user(request: request, user(name, in: userbase)))
        case .hostname(let request, let table, let address):
            dispatcher?.send(.hostname(request: request, hostname(of: address, in: table)))
        case .exchangers(let request, let domain):
            spawn { [self] in dispatcher?.send(.exchangers(request: request, await exchangers(of: domain))) }
        case .addresses(let request, let host):
            spawn { [self] in dispatcher?.send(.addresses(request: request, await addresses(of: host))) }
        case .reverseName(let request, let address):
            spawn { [self] in dispatcher?.send(.reverseName(request: request, await reverseName(of: address))) }
        case .relayEntries(let request, let table, let use):
            dispatcher?.send(.relayEntries(request: request, relayEntries(of: table, use)))
        case .relayValue(let request, let table, let use, let key):
            dispatcher?.send(.relayValue(request: request, relayValue(of: key, in: table, use)))
        case .mechanisms(let request, let source):
            spawn { [self] in
                let names = await mechanisms(of: source)
                dispatcher?.send(.mechanisms(request: request, Array(names.prefix(LookupToDispatcher.maximumMechanisms))))
            }
        case .authenticate(let request, let exchange, let start):
            spawn { [self] in dispatcher?.send(.authentication(request: request, await authenticate(exchange, start))) }
        case .continueAuthentication(let request, let exchange, let response):
            spawn { [self] in
                dispatcher?.send(.authentication(request: request, await continueAuthentication(exchange, response)))
            }
        case .abandonAuthentication(let exchange): abandonAuthentication(exchange)
        case .checkSender(let request, let table, let user, let sender):
            dispatcher?.send(.sender(request: request, senderVerdict(sender, of: user, in: table)))
        }
    }

    func receive(_ message: QueueToLookup) {
        switch message {
        case .expand(let request, let recipient, let transaction):
            expand(recipient, of: transaction) { [unowned self] in queue?.send(.expanded(request: request, $0)) }
        }
    }

    func receive(_ message: ControlToLookup) {
        switch message {
        case .updateTable(let request, let name):
            control?.send(.tableUpdated(request: request, failure: updateTable(name)))
        case .explain(let request, let recipient, let transaction): explain(recipient, of: transaction, answering: request)
        }
    }

    func receive(_ message: ParentToLookup) {
        switch message {
        case .forward(let request, let answer):
            forwards.resolve(request, answer)
        case .password(let request, let verdict): passwords.resolve(request, verdict)
        case .user(let request, let userbase, let name):
            parent?.send(.user(request: request, user(name, in: userbase)))
        }
    }
}
