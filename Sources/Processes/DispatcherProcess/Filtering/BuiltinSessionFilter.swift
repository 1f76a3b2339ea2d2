import Configuration
import EventLoop
import Filters
import ProcessMessages
import SMTPProtocol
import Tables

/// A built-in filter (`filter NAME phase ...`): conditions on what is known of the session, tables asked of lookup.
@EventLoopActor
final class BuiltinSessionFilter: WaitingSessionFilter {
    let name: String
    private let builtin: BuiltinFilter
    private let dispatcher: DispatcherProcess

    init(name: String, _ builtin: BuiltinFilter, dispatcher: DispatcherProcess) {
        self.name = name
        self.builtin = builtin
        self.dispatcher = dispatcher
    }

    var author: ReportEvent.Author { .builtin }

    func prepare() async {}
    func wants(_ phase: FilterPhase) -> Bool { phase == builtin.filterPhase }
    func wants(_ report: ReportEvent.Name) -> Bool { false }
    func report(_ event: ReportEvent) {}
    func sessionEnded() {}

    func decide(_ question: FilterQuestion, _ facts: FilterFacts) async -> FilterDecision {
        for condition in builtin.conditions {
            let holds: Bool
            switch BuiltinFilter.test(condition.criterion, question, facts) {
            case .known(let known): holds = known
            case .ask(let query): holds = await dispatcher.matches(query)
            }
            guard holds != condition.isNegated else { return .proceed }
        }
        return builtin.verdict
    }

    func contentStage(_ facts: FilterFacts, into next: any ContentSink) -> any ContentStage {
        preconditionFailure("a built-in filter wants no content")
    }
}

extension DispatcherProcess {
    /// Whether a table that a filter's condition names has a key. A key too long for any table is in none.
    func matches(_ query: TableQuery) async -> Bool {
        guard query.key.utf8.count <= TableQuery.maximumKeyLength else { return false }
        let request = filterTables.next()
        lookup?.send(
            .matchFilterTable(request: request, table: query.table, service: query.service, key: query.key))
        return await filterTables.answer(request) ?? false
    }
}
