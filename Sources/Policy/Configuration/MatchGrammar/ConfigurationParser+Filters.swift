import Tables

// `filter`, `proc` and references to them (smtpd.conf(5)).
extension ConfigurationParser {
    mutating func processStatement() throws(StatementFailure) {
        advance()
        let location = token.location
        let name = try string("the name of the process")
        guard !result.filterProcesses.contains(where: { $0.name == name }) else {
            throw fail(at: location, "process already declared with that name: \(name)")
        }
        result.filterProcesses.append(try process(named: name))
        result.places.filterProcesses[name] = location
    }

    /// A command and its options.
    private mutating func process(named name: String) throws(StatementFailure) -> FilterProcess {
        var process = FilterProcess(name: name, command: try string("a command"))
        while true {
            let option = token.location
            if take("user") {
                if process.user != nil { throw fail(at: option, "user already given for this process") }
                let location = token.location
                let user = try string("the name of a user")
                if !environment.userExists(user) { warn(at: location, "there is no user \(user) on this system") }
                process.user = user
            } else if take("group") {
                if process.group != nil { throw fail(at: option, "group already given for this process") }
                let location = token.location
                let group = try string("the name of a group")
                if !environment.groupExists(group) { warn(at: location, "there is no group \(group) on this system") }
                process.group = group
            } else if take("chroot") {
                if process.chroot != nil { throw fail(at: option, "chroot already given for this process") }
                process.chroot = try string("the path of a directory")
            } else if take("on-failure") {
                if take("refuse") {
                    process.onFailure = .refuse
                } else if take("accept") {
                    process.onFailure = .accept
                } else {
                    throw unexpected("refuse or accept")
                }
            } else if take("timeout") {
                let location = token.location
                process.timeout = try delay("a time")
                guard process.timeout > 0 else { throw fail(at: location, "a filter needs a moment to answer") }
            } else if take("protocol") {
                let location = token.location
                let text = try string("a version of the filter protocol")
                guard let version = FilterProcess.ProtocolVersion.allCases.first(where: { $0.text == text }) else {
                    throw fail(at: location, "\(text): no version of the filter protocol that is spoken here; there are 0.5, 0.6 and 0.7")
                }
                process.spoken = version
            } else {
                return process
            }
        }
    }

    mutating func filterStatement() throws(StatementFailure) {
        advance()
        let location = token.location
        let name = try string("the name of the filter")
        guard filter(name) == nil else { throw fail(at: location, "filter already declared with that name: \(name)") }
        let kind: FilterDefinition.Kind
        if take("proc") {
            let place = token.location
            let process = try string("the name of a process")
            guard result.filterProcesses.contains(where: { $0.name == process }) else {
                throw fail(at: place, "no such process: \(process)")
            }
            kind = .process(process)
        } else if take("proc-exec") {
            guard !result.filterProcesses.contains(where: { $0.name == name }) else {
                throw fail(at: location, "process already declared with that name: \(name)")
            }
            result.filterProcesses.append(try process(named: name))
            result.places.filterProcesses[name] = location
            kind = .process(name)
        } else if take("chain") {
            kind = .chain(try chain())
        } else if take("phase") {
            kind = .builtin(try builtin())
        } else if take("milter") {
            kind = .milter(try milter())
        } else {
            throw unexpected("proc, proc-exec, chain, phase or milter")
        }
        result.filters.append(FilterDefinition(name: name, kind: kind))
        result.places.filters[name] = location
    }

    private func filter(_ name: String) -> FilterDefinition? { result.filters.first { $0.name == name } }

    /// `NAME` or `{ a, b }` where a listener or a relay names its filter.
    mutating func filterReference() throws(StatementFailure) -> FilterReference {
        if token.isMark("{") { return .chain(try chain()) }
        let location = token.location
        let name = try string("the name of a filter")
        guard filter(name) != nil else { throw fail(at: location, "no such filter: \(name)") }
        return .named(name)
    }

    /// Filters that exist, are no chains, stand there once and have processes of their own.
    private mutating func chain() throws(StatementFailure) -> [String] {
        var members: [String] = []
        var processes: [String: String] = [:]
        for (name, location) in try names() {
            guard let definition = filter(name) else { throw fail(at: location, "no such filter: \(name)") }
            guard !members.contains(name) else { throw fail(at: location, "filter \(name) stands twice in this chain") }
            switch definition.kind {
            case .chain: throw fail(at: location, "filter \(name) is a chain itself")
            case .process(let process):
                if let other = processes.updateValue(name, forKey: process) {
                    throw fail(at: location, "filters \(other) and \(name) are the same process \(process)")
                }
            case .builtin, .milter, .legacy: break
            }
            members.append(name)
        }
        return members
    }

    // MARK: Builtin filters

    private mutating func builtin() throws(StatementFailure) -> BuiltinFilter {
        let phase = try phase()
        try require("match")
        var conditions = [try condition(in: phase)]
        while isCondition {
            guard conditions.count < Self.maximumConditions else {
                throw fail(at: token.location, "a filter has \(Self.maximumConditions) conditions at most")
            }
            conditions.append(try condition(in: phase))
        }
        return BuiltinFilter(phase: phase, conditions: conditions, decision: try filterDecision(in: phase))
    }

    /// More than there are different ones, negated and not.
    private static let maximumConditions = 16

    private mutating func condition(
        in phase: BuiltinFilter.Phase
    ) throws(StatementFailure) -> Condition<BuiltinFilter.Criterion> {
        let location = token.location
        let negated = take(mark: "!")
        let criterion = try criterion()
        guard Self.phases(for: criterion).contains(phase) else {
            throw fail(at: location, "this condition cannot be told in phase \(phase.word)")
        }
        return Condition(criterion, isNegated: negated)
    }

    private var isCondition: Bool {
        token.isMark("!") || ["fcrdns", "rdns", "src", "helo", "auth", "mail-from", "rcpt-to"].contains { isKeyword($0) }
    }

    private mutating func phase() throws(StatementFailure) -> BuiltinFilter.Phase {
        for phase in BuiltinFilter.Phase.all where take(phase.word) { return phase }
        throw unexpected("connect, helo, ehlo, auth, mail-from, rcpt-to, data or commit")
    }

    private mutating func criterion() throws(StatementFailure) -> BuiltinFilter.Criterion {
        if take("fcrdns") { return .fcrdns }
        if take("rdns") { return .rdns(isTable || isKeyword("regex") ? try reference("a name", for: .domain) : nil) }
        if take("src") { return .source(try reference("an address", for: .netaddr)) }
        if take("helo") { return .helo(try reference("a name", for: .domain)) }
        if take("auth") {
            return .auth(isTable || isKeyword("regex") ? try reference("a user", [.list, .mapping], for: .string) : nil)
        }
        if take("mail-from") { return .mailFrom(try reference("an address", [.list, .mapping], for: .mailaddr)) }
        if take("rcpt-to") { return .rcptTo(try reference("an address", [.list, .mapping], for: .mailaddr)) }
        throw unexpected("fcrdns, rdns, src, helo, auth, mail-from or rcpt-to")
    }

    /// The phases in which the session knows what the condition asks for.
    private static func phases(for criterion: BuiltinFilter.Criterion) -> [BuiltinFilter.Phase] {
        switch criterion {
        case .fcrdns, .rdns, .source: BuiltinFilter.Phase.all
        case .helo: [.helo, .ehlo, .auth, .mailFrom, .rcptTo, .data, .commit]
        case .auth: [.auth, .mailFrom, .rcptTo, .data, .commit]
        case .mailFrom: [.mailFrom, .rcptTo, .data, .commit]
        case .rcptTo: [.rcptTo]
        }
    }

    private mutating func filterDecision(in phase: BuiltinFilter.Phase) throws(StatementFailure) -> BuiltinFilter.Decision {
        let location = token.location
        if take("reject") { return .reject(try string("the text of the reply")) }
        if take("disconnect") { return .disconnect(try string("the text of the reply")) }
        if take("rewrite") { return .rewrite(try string("the new value")) }
        if take("report") { return .report(try string("the text of the report")) }
        if isKeyword("junk") || isKeyword("bypass") {
            if phase == .commit { throw fail(at: location, "\(token.text) cannot be used in phase commit") }
            let isJunk = isKeyword("junk")
            advance()
            return isJunk ? .junk : .bypass
        }
        throw unexpected("reject, disconnect, rewrite, report, junk or bypass")
    }
}

extension BuiltinFilter.Phase {
    static let all: [BuiltinFilter.Phase] = [.connect, .helo, .ehlo, .auth, .mailFrom, .rcptTo, .data, .commit]

    /// The word in the configuration.
    package var word: String {
        switch self {
        case .connect: "connect"
        case .helo: "helo"
        case .ehlo: "ehlo"
        case .auth: "auth"
        case .mailFrom: "mail-from"
        case .rcptTo: "rcpt-to"
        case .data: "data"
        case .commit: "commit"
        }
    }
}
