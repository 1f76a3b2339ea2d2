import Configuration
import Cryptography
import Glibc
import Platform
import Rules
import TableBackends
import Tables

/// `smtpd -x explain`: says how a configuration would deal with an address, while no daemon runs with it, and ends.
///
/// `smtpctl explain -f` starts it. The tables are read, and the machine that decides for the daemon runs to its end, with
/// files in place of processes. The DNS is not asked.
package enum ExplanationProcess {
    /// The word behind `-x`.
    package static let name = "explain"

    /// Prints the explanation and ends. Never returns.
    ///
    /// - Parameter words: As ``ExplanationQuestion`` has them.
    package static func run(_ words: [String], asJSON: Bool, _ configuration: Configuration) -> Never {
        var question: ExplanationQuestion
        do throws(ExplanationQuestion.Problem) {
            question = try ExplanationQuestion(words: words)
        } catch {
            Diagnostics.fail("smtpctl: \(error)")
        }
        guard case .address(let recipient) = question.target else {
            Diagnostics.fail("smtpctl: an envelope is explained by the daemon that has it, without -f")
        }
        var tables: TableSet
        do throws(TableSet.LoadError) {
            tables = try TableSet(
                configuration.tables.filter { $0.value.program == nil }, aliasTables: configuration.aliasTables,
                subaddressDelimiter: configuration.session.subaddressDelimiter)
        } catch {
            Diagnostics.fail("smtpctl: \(error)")
        }
        var explanation = Explanation()
        if let name = question.listener {
            guard
                let facts = ListenerFacts(
                    named: name, listeners: configuration.listeners, submission: configuration.submission,
                    filters: configuration.filters)
            else { Diagnostics.fail("smtpctl: no such listener: \(name)") }
            question.take(facts)
            explanation.add(facts.explanation, depth: 0)
        }
        let subject = RuleSubject(question.transaction, recipient: recipient)
        let expansion = RecipientExpansion(
            recipient: recipient, subject: subject, rules: configuration.rules, actions: configuration.actions,
            settings: ExpansionSettings(configuration),
            senderRewriting: senderRewriting(configuration))
        let (result, answers) = finish(expansion, &tables)
        explanation.add(
            Explanation(
                of: result, recipient: recipient, subject: subject, rules: configuration.rules,
                generation: configuration.generation, answers: answers), depth: 0)
        if case .accepted(let deliveries, _) = result {
            var told: Set<String> = []
            for delivery in deliveries where told.insert(delivery.action).inserted {
                guard let action = configuration.actions[delivery.action] else { continue }
                explanation.add(Explanation(of: action, defaultTimeToLive: configuration.queue.timeToLive), depth: 0)
            }
        }
        // A closed standard output changes nothing about what was found.
        try? Files.writeAll(raw: STDOUT_FILENO, Array((asJSON ? explanation.json : explanation.tree).utf8))
        exit(0)
    }

    private static func senderRewriting(_ configuration: Configuration) -> SenderRewritingScheme? {
        configuration.srs.map { SenderRewritingScheme($0, today: Int64(time(nil)) / 86_400) { Digest.sha1.hash($0) } }
    }

    /// Tables of programs, which only a daemon starts, cannot say.
    private static func finish(
        _ machine: RecipientExpansion, _ tables: inout TableSet
    ) -> (ExpansionResult, [TableQuery: TableAnswer]) {
        var expansion = machine
        var answers: [TableQuery: TableAnswer] = [:]
        var step = expansion.start()
        while true {
            switch step {
            case .ask(let query):
                let answer = tables.answer(query)
                answers[query] = answer
                step = expansion.answer(answer)
            case .readInclude(let path): step = expansion.answer(include: IncludeFile.read(path))
            case .readForward(let user, let userbase): step = expansion.answer(forward: forward(of: user, in: userbase))
            case .finished(let result): return (result, answers)
            }
        }
    }

    /// With the rights of the user it belongs to where there are rights to give up, as the daemon reads it.
    private static func forward(of user: UserInfo, in userbase: String) -> ForwardFile {
        guard geteuid() == 0 else { return ForwardFile.read(home: user.directory, user: user.uid) }
        guard user.uid != 0 || userbase == SystemUsers.table else {
            return .permanentFailure("a virtual user with the rights of root")
        }
        do throws(SystemError) {
            let groups = userbase == SystemUsers.table ? try Users.groups(of: user.name, primary: user.gid) : [user.gid]
            return try Privileges.acting(as: Identity(uid: user.uid, gid: user.gid, groups: groups)) {
                () throws(SystemError) in ForwardFile.read(home: user.directory, user: user.uid)
            }
        } catch {
            return .temporaryFailure("\(error)")
        }
    }
}
