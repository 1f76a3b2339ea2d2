import Authentication
import Configuration
import EventLoop
import Filters
import Interprocess
import Log
import Platform
import ProcessMessages
import ProgramTables
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
    /// Tables that are answered here.
    private var loadedTables: TableSet?
    /// Tables that programs answer.
    var programs: [String: ProgramTable] = [:]
    /// Rounds under way, with whoever waits for them.
    var fetchRounds: [FetchRoundKey: [@EventLoopActor (RelayEntries) -> Void]] = [:]
    var rereading: TableRereading?
    var dispatcher: Link<LookupToDispatcher, DispatcherToLookup>?
    var queue: Link<LookupToQueue, QueueToLookup>?
    var control: Link<LookupToControl, ControlToLookup>?
    var parent: Link<LookupToParent, ParentToLookup>?
    /// Questions about .forward files that the parent has not answered yet.
    let forwards = PendingRequests<ForwardFile>()
    /// Comparisons of passwords that the parent has not answered yet.
    let passwords = PendingRequests<PasswordVerdict>()
    /// Table programs that the parent has not started yet.
    let programStarts = PendingRequests<StartedProgram>()
    var authentications = Authentications()
    /// Runs of token commands that the parent has not answered yet.
    let tokens = PendingRequests<TokenVerdict>()
    var keptTokens: [TokenKey: KeptToken] = [:]
    /// What conditions of filters ask of tables.
    var filterQuestions: Set<BuiltinFilter.TableQuestion> = []

    private(set) lazy var resolver = makeResolver()

    var counts = LookupCounts()

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
            let tables = try TableSet(
                view.tables.filter { $0.value.program == nil }, aliasTables: view.aliasTables,
                subaddressDelimiter: view.subaddressDelimiter)
            for warning in tables.warnings { context.log.warning(warning) }
            loadedTables = tables
        } catch {
            throw ViewRefused("\(error)")
        }
        self.view = view
        keptTokens = [:]
        usePrograms(for: view.tables)
        filterQuestions = Self.filterQuestions(of: view)
        forgetCredentials()
        for (path, connection) in authentications.dovecots where !view.dovecotSockets.contains(path) {
            connection.close()
            authentications.dovecots[path] = nil
        }
    }

    /// Asks a table of ours; one that is not there cannot say.
    func answerFromHere(_ query: TableQuery) -> TableAnswer {
        loadedTables?.answer(query) ?? .failed("no tables are loaded")
    }

    func updateLoadedTable(_ name: String) throws(TableUpdateError) {
        try loadedTables?.update(name)
        forgetCredentials()
        for warning in loadedTables?.warnings(of: name) ?? [] { context.log.warning(warning) }
    }

    /// Tables whose files are not what was read from them, with the state that the file is in.
    var changedTables: [String: FileStamp] { loadedTables?.changed ?? [:] }

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
            parent = context.link(to: peer, over: descriptor) { [unowned self] message, descriptor in
                receive(message, descriptor)
            }
        case .lookup, .scheduler, .crypto:
            context.fail("\(peer.name) is no peer of lookup")
        }
    }

    package func serve() {
        for program in programs.values { program.start() }
        rereading = TableRereading(self)
    }

    package func shutdown() async {}

    // MARK: What comes in

    func receive(_ message: DispatcherToLookup) {
        counts.note(message)
        switch message {
        case .expand(let request, let recipient, let transaction):
            expand(recipient, of: transaction) { [unowned self] in dispatcher?.send(.expanded(request: request, $0)) }
        case .user(let request, let userbase, let name):
            findUser(name, in: userbase) { [unowned self] in dispatcher?.send(.user(request: request, $0)) }
        case .hostname(let request, let table, let address):
            findHostname(of: address, in: table) { [unowned self] in dispatcher?.send(.hostname(request: request, $0)) }
        case .exchangers(let request, let domain):
            spawn { [self] in dispatcher?.send(.exchangers(request: request, await exchangers(of: domain))) }
        case .addresses(let request, let host):
            spawn { [self] in dispatcher?.send(.addresses(request: request, await addresses(of: host))) }
        case .reverseName(let request, let address):
            spawn { [self] in dispatcher?.send(.reverseName(request: request, await reverseName(of: address))) }
        case .relayEntries(let request, let table, let use):
            findRelayEntries(of: table, use) { [unowned self] in dispatcher?.send(.relayEntries(request: request, $0)) }
        case .relayValue(let request, let table, let use, let key):
            findRelayValue(of: key, in: table, use) { [unowned self] in dispatcher?.send(.relayValue(request: request, $0)) }
        case .rewriteSender(let request, let sender, let domain):
            dispatcher?.send(.rewrittenSender(request: request, rewritten(sender, inNameOf: domain)))
        case .relayToken(let request, let table, let label, let command, let wasRefused):
            spawn { [self] in
                let token = await relayToken(of: TokenKey(table: table, label: label, command: command), wasRefused: wasRefused)
                dispatcher?.send(.relayToken(request: request, token))
            }
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
            checkSender(sender, of: user, in: table) { [unowned self] in dispatcher?.send(.sender(request: request, $0)) }
        case .matchFilterTable(let request, let table, let service, let key):
            match(key, in: table, for: service) { [unowned self] in
                dispatcher?.send(.filterTable(request: request, matches: $0))
            }
        case .connectMilter(let request, let filter):
            spawn { [self] in await connectMilter(filter, for: request) }
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
            updateTable(name) { [unowned self] in control?.send(.tableUpdated(request: request, failure: $0)) }
        case .statistics(let request):
            control?.send(.statistics(request: request, StatisticsReport(values: counts.values)))
        case .explain(let request, let recipient, let transaction, let asksDNS):
            explain(recipient, of: transaction, asksDNS: asksDNS, answering: request)
        }
    }

    func receive(_ message: ParentToLookup, _ descriptor: consuming OwnedDescriptor?) {
        switch message {
        case .tableProgram(let request, let failure):
            programStarts.resolve(request, StartedProgram(socket: descriptor, failure: failure))
        case .forward(let request, let answer):
            forwards.resolve(request, answer)
        case .password(let request, let verdict): passwords.resolve(request, verdict)
        case .token(let request, let verdict): tokens.resolve(request, verdict)
        case .user(let request, let userbase, let name):
            findUser(name, in: userbase) { [unowned self] in parent?.send(.user(request: request, $0)) }
        }
    }
}
