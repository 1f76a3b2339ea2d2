import Configuration
import EventLoop
import Platform
import Rules
import TableBackends

/// `smtpd -x explain`: says how a configuration would deal with an address, while no daemon runs with it, and ends.
///
/// `smtpctl explain -f` starts it. The tables are read, their programs are asked, and the machine that decides for the
/// daemon runs to its end; then the DNS is asked where the mail would go. What takes root's rights (files of tables, the
/// forward files of users) comes before what strangers answer: see ``OfflineExplanation``.
package enum ExplanationProcess {
    /// The word behind `-x`.
    package static let name = "explain"

    /// Prints the explanation and ends. Never returns.
    ///
    /// - Parameters:
    ///   - words: As ``ExplanationQuestion`` has them.
    ///   - programs: Where those of tables are found.
    package static func run(
        _ words: [String], asJSON: Bool, _ configuration: Configuration, programs: InstalledPrograms, installation: InstallationPaths
    ) -> Never {
        var question: ExplanationQuestion
        do throws(ExplanationQuestion.Problem) {
            question = try ExplanationQuestion(words: words)
        } catch {
            Diagnostics.fail("smtpctl: \(error)")
        }
        guard case .address(let recipient) = question.target else {
            Diagnostics.fail("smtpctl: an envelope is explained by the daemon that has it, without -f")
        }
        let tables: TableSet
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
        let (asked, begun) = (question, explanation)
        runLoop(
            making: {
                OfflineExplanation(
                    of: recipient, asked, begun, configuration, OfflineTables(tables, configuration, programs, installation))
            },
            start: { explainer in
                let explanation = await explainer.run()
                // A closed standard output changes nothing about what was found.
                try? Files.writeAll(raw: 1, Array((asJSON ? explanation.json : explanation.tree).utf8))
                Diagnostics.leave(0)
            })
        Diagnostics.leave(1)
    }
}
