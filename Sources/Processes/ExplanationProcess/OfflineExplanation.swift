import Configuration
import Cryptography
import EventLoop
import Glibc
import MailSyntax
import Platform
import ProcessMessages
import Resolver
import RoleProcess
import Rules
import TableBackends
import Tables

/// One explanation without a daemon, in straight lines: the decision, what its actions do, and where the mail would go.
@EventLoopActor
final class OfflineExplanation {
    private let recipient: MailAddress
    private let question: ExplanationQuestion
    private let configuration: Configuration
    private let tables: OfflineTables
    private var explanation: Explanation

    /// - Parameter begun: What is known before anything is decided.
    init(
        of recipient: MailAddress, _ question: ExplanationQuestion, _ begun: Explanation, _ configuration: Configuration,
        _ tables: OfflineTables
    ) {
        self.recipient = recipient
        self.question = question
        self.configuration = configuration
        self.tables = tables
        explanation = begun
    }

    func run() async -> Explanation {
        let subject = RuleSubject(question.transaction, recipient: recipient)
        let (result, answers) = await decide(about: subject)
        explanation.add(
            Explanation(
                of: result, recipient: recipient, subject: subject, rules: configuration.rules,
                generation: configuration.generation, answers: answers), depth: 0)
        if case .accepted(let deliveries, _) = result {
            await addNextHops(of: deliveries)
            addActions(of: deliveries)
        }
        await tables.close()
        return explanation
    }

    private func addActions(of deliveries: [ResolvedDelivery]) {
        var told: Set<String> = []
        for delivery in deliveries where told.insert(delivery.action).inserted {
            guard let action = configuration.actions[delivery.action] else { continue }
            explanation.add(Explanation(of: action, defaultTimeToLive: configuration.queue.timeToLive), depth: 0)
        }
    }

    // MARK: The decision

    private func decide(about subject: RuleSubject) async -> (ExpansionResult, [TableQuery: TableAnswer]) {
        var expansion = RecipientExpansion(
            recipient: recipient, subject: subject, rules: configuration.rules, actions: configuration.actions,
            settings: ExpansionSettings(configuration), senderRewriting: senderRewriting)
        var answers: [TableQuery: TableAnswer] = [:]
        var step = expansion.start()
        while true {
            switch step {
            case .ask(let query):
                let answer = await tables.answer(query)
                answers[query] = answer
                step = expansion.answer(answer)
            case .readInclude(let path): step = expansion.answer(include: IncludeFile.read(path))
            case .readForward(let user, let userbase): step = expansion.answer(forward: Self.forward(of: user, in: userbase))
            case .finished(let result): return (result, answers)
            }
        }
    }

    private var senderRewriting: SenderRewritingScheme? {
        configuration.srs.map { SenderRewritingScheme($0, today: Int64(time(nil)) / 86_400) { Digest.sha1.hash($0) } }
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

    // MARK: Where it goes

    private func addNextHops(of deliveries: [ResolvedDelivery]) async {
        let hops = NextHop.all(of: deliveries, actions: configuration.actions)
        guard !hops.isEmpty else { return }
        var domains: [Domain] = []
        var hosts: [Domain] = []
        for hop in hops {
            switch hop {
            case .exchangers(let domain): domains.append(domain)
            case .smarthosts(let table):
                switch await tables.all(of: table, .relayhost) {
                case .found(let urls): hosts += explanation.add(servers: urls, of: table)
                case .failed(let reason): explanation.add(failure: reason, of: table)
                }
            case .byDomain(let table, let domain):
                let query = TableQuery(table: table, service: .relayhost, operation: .lookup, key: domain.text)
                switch await tables.answer(query) {
                case .found(let url): hosts += explanation.add(servers: [url], of: table, for: domain)
                case .notFound: hosts += explanation.add(servers: [], of: table, for: domain)
                case .failed(let reason): explanation.add(failure: reason, of: table)
                }
            }
        }
        guard question.asksDNS, !domains.isEmpty || !hosts.isEmpty else { return }
        do throws(SystemError) {
            // Nothing more is read with rights that whoever answers does not have.
            try tables.giveUpRights()
        } catch {
            return explanation.add("mail exchangers", "not asked for: \(error)", depth: 1)
        }
        let resolver = MailResolver(Resolver(files: ResolverFiles(of: tables.installation), upstream: ServerUpstream()))
        for domain in domains {
            explanation.add("mail exchangers", "of \(domain.text): \(await resolver.exchangers(of: domain).text)", depth: 1)
        }
        for host in hosts {
            explanation.add("addresses", "of \(host.text): \(await resolver.addresses(of: host).text)", depth: 2)
        }
    }
}
