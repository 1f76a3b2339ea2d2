import Configuration
import EventLoop
import Filters
import Tables

/// Tables that the conditions of built-in filters name: the dispatcher asks while a session is under way.
extension LookupProcess {
    static func filterQuestions(of view: LookupView) -> Set<BuiltinFilter.TableQuestion> {
        view.filters.reduce(into: []) { questions, filter in
            if case .builtin(let builtin) = filter.kind { questions.formUnion(builtin.tableQuestions) }
        }
    }

    /// Whether a table has a key. Only what a condition asks is answered: whoever took the dispatcher over is not to
    /// try out names and addresses on every table.
    func match(
        _ key: String, in table: String, for service: TableService, then report: @escaping @EventLoopActor (Bool) -> Void
    ) {
        guard filterQuestions.contains(BuiltinFilter.TableQuestion(table: table, service: service)) else {
            // A session may be older than the configuration.
            context.log.warning("a filter asked table \(table), and no condition of the configuration does")
            return report(false)
        }
        ask(TableQuery(table: table, service: service, operation: .match, key: key)) { [self] answer in
            switch answer {
            case .found: report(true)
            case .notFound: report(false)
            case .failed(let reason):
                context.log.warning("filter: table \(table): \(reason)")
                report(false)
            }
        }
    }
}
