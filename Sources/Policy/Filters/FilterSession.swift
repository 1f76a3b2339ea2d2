import SMTPProtocol

/// A session's chain of filters at work: one question at a time goes from member to member until one ends it.
///
/// The driver calls ``ask(_:wantedBy:)`` and does what the step says: it puts the question to a member and hands the
/// decision in with ``decided(_:)``, until there is a verdict.
package struct FilterSession: Sendable {
    /// What to do next.
    package enum Step: Hashable, Sendable {
        /// Put the question to this member, counted from 0.
        case ask(member: Int)
        /// Every filter that had to be asked was. ``FilterSession/takeReports()`` has what to tell of it.
        case verdict(PhaseVerdict)
    }

    private enum State: Sendable {
        case idle
        /// The last of `members` was asked; those before it have proceeded.
        case asking(FilterQuestion, remaining: ArraySlice<Int>, reported: [UInt8]?)
    }

    /// A member of the chain, for reports.
    package struct Member: Hashable, Sendable {
        package let name: String
        package let author: ReportEvent.Author
        package init(name: String, author: ReportEvent.Author) {
            self.name = name
            self.author = author
        }
    }

    private let members: [Member]
    private var state = State.idle
    private var reports: [ReportEvent] = []

    /// - Parameter members: In the order of the chain.
    package init(members: [Member]) { self.members = members }

    /// Begins with a question.
    ///
    /// - Parameter members: Those that have registered for the phase, in the order of the chain.
    /// - Precondition: No question is open.
    package mutating func ask(_ question: FilterQuestion, wantedBy members: [Int]) -> Step {
        guard case .idle = state else { preconditionFailure("a session asks one question at a time") }
        guard let first = members.first else { return .verdict(.proceed) }
        state = .asking(question, remaining: members[...], reported: nil)
        return .ask(member: first)
    }

    /// Takes the decision of the member that was asked.
    package mutating func decided(_ decision: FilterDecision) -> Step {
        guard case .asking(let question, var remaining, var reported) = state, let member = remaining.popFirst() else {
            preconditionFailure("a decision without a question")
        }
        switch decision {
        case .proceed:
            break
        case .report(let text, let endsChain):
            reported = text
            reports.append(.filterReport(members[member].author, name: members[member].name, text: text))
            if endsChain { remaining = [] }
        case .bypass:
            remaining = []
        case .junk:
            return finish(question, "junk", nil, .proceed(isJunk: true))
        case .rewrite(let argument):
            return finish(question, "rewrite", argument, .rewrite(argument))
        case .reject(let reply):
            return finish(question, "reject", Array(reply.text.utf8), .refuse(reply))
        case .disconnect(let reply):
            return finish(question, "disconnect", Array(reply.text.utf8), .disconnect(reply))
        }
        guard let next = remaining.first else {
            return finish(question, reported == nil ? "proceed" : "report", reported, .proceed)
        }
        state = .asking(question, remaining: remaining, reported: reported)
        return .ask(member: next)
    }

    private mutating func finish(
        _ question: FilterQuestion, _ response: String, _ parameter: [UInt8]?, _ verdict: PhaseVerdict
    ) -> Step {
        state = .idle
        reports.append(.filterResponse(question.phase, response: response, parameter: parameter))
        return .verdict(verdict)
    }

    /// What the filters of the session are to be told about the last question.
    package mutating func takeReports() -> [ReportEvent] {
        defer { reports = [] }
        return reports
    }
}
