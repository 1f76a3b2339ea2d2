import Tables

// `match CONDITIONS reject` and `match CONDITIONS action NAME` (smtpd.conf(5)).
extension ConfigurationParser {
    /// The longest tag in bytes.
    static let maximumTag = 32

    mutating func matchRule() throws(StatementFailure) {
        var rule = Rule(location: token.location, decision: .reject)
        rule.from = Condition(.local(countsAuthenticated: false))
        advance()
        var seen: Set<String> = []
        while true {
            if take("reject") {
                rule.decision = .reject
                break
            }
            if take("action") {
                let location = token.location
                let name = try name("the name of an action")
                guard result.actions[name] != nil else { throw fail(at: location, "no such action: \(name)") }
                rule.decision = .action(name)
                break
            }
            try condition(of: &rule, &seen)
        }
        result.rules.append(rule)
    }

    private mutating func first(
        _ kind: String, _ seen: inout Set<String>, at location: SourceLocation
    ) throws(StatementFailure) {
        guard seen.insert(kind).inserted else { throw fail(at: location, "\(kind) condition already given in this rule") }
    }

    private mutating func condition(of rule: inout Rule, _ seen: inout Set<String>) throws(StatementFailure) {
        let negated = take(mark: "!")
        let location = token.location
        if take("tag") {
            try first("tag", &seen, at: location)
            rule.tag = Condition(try reference("a tag", [.list, .mapping], for: .string), isNegated: negated)
        } else if take("helo") {
            try first("helo", &seen, at: location)
            rule.helo = Condition(try reference("a name", for: .domain), isNegated: negated)
        } else if take("tls") {
            try first("tls", &seen, at: location)
            rule.tls = Condition(.used, isNegated: negated)
        } else if isKeyword("auth") {
            try authCondition(of: &rule, &seen, negated)
        } else if isKeyword("mail-from") {
            try senderCondition(of: &rule, &seen, negated)
        } else if isKeyword("rcpt-to") {
            try recipientCondition(of: &rule, &seen, negated)
        } else if take("from") {
            try first("from", &seen, at: location)
            try source(of: &rule, &seen, negated)
        } else if take("for") {
            try first("for", &seen, at: location)
            try destination(of: &rule, &seen, negated)
        } else {
            throw unexpected(negated ? "a condition after `!`" : "a condition, `reject` or `action`")
        }
    }

    private mutating func authCondition(of rule: inout Rule, _ seen: inout Set<String>, _ negated: Bool) throws(StatementFailure) {
        try first("auth", &seen, at: token.location)
        advance()
        let criterion: Rule.Authentication =
            isTable || isKeyword("regex") ? .user(try reference("a user", [.list, .mapping], for: .string)) : .anyone
        rule.auth = Condition(criterion, isNegated: negated)
    }

    private mutating func senderCondition(of rule: inout Rule, _ seen: inout Set<String>, _ negated: Bool) throws(StatementFailure) {
        try first("mail-from", &seen, at: token.location)
        advance()
        rule.sender = Condition(try reference("an address", [.list, .mapping], for: .mailaddr), isNegated: negated)
    }

    private mutating func recipientCondition(of rule: inout Rule, _ seen: inout Set<String>, _ negated: Bool) throws(StatementFailure) {
        try first("rcpt-to", &seen, at: token.location)
        advance()
        rule.recipient = Condition(try reference("an address", [.list, .mapping], for: .mailaddr), isNegated: negated)
    }

    private mutating func source(of rule: inout Rule, _ seen: inout Set<String>, _ negated: Bool) throws(StatementFailure) {
        if take("socket") {
            rule.from = Condition(.socket, isNegated: negated)
        } else if take("local") {
            rule.from = Condition(.local(countsAuthenticated: false), isNegated: negated)
        } else if take("any") {
            rule.from = Condition(.any, isNegated: negated)
        } else if take("src") {
            let source = Rule.Source.addresses(try reference("an address", for: .netaddr), authenticatedIsLocal: false)
            rule.from = Condition(source, isNegated: negated)
        } else if take("rdns") {
            let name = isTable || isKeyword("regex") ? try reference("a name", for: .domain) : nil
            rule.from = Condition(.reverseName(name), isNegated: negated)
        } else if isKeyword("auth") {
            // `!` means the second half only: from anywhere, without authentication.
            rule.from = Condition(.any)
            try authCondition(of: &rule, &seen, negated)
        } else if isKeyword("mail-from") {
            rule.from = Condition(.any)
            try senderCondition(of: &rule, &seen, negated)
        } else {
            throw unexpected("socket, local, any, src, rdns, auth or mail-from")
        }
    }

    private mutating func destination(of rule: inout Rule, _ seen: inout Set<String>, _ negated: Bool) throws(StatementFailure) {
        if take("local") {
            rule.destination = Condition(.local, isNegated: negated)
        } else if take("any") {
            rule.destination = Condition(.any, isNegated: negated)
        } else if take("domain") {
            rule.destination = Condition(.domain(try reference("a domain", for: .domain)), isNegated: negated)
        } else if isKeyword("rcpt-to") {
            rule.destination = Condition(.any)
            try recipientCondition(of: &rule, &seen, negated)
        } else {
            throw unexpected("local, any, domain or rcpt-to")
        }
    }
}
