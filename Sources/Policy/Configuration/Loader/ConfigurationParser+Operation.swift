import MailSyntax

// `control`, `metrics` and `log`: statements of ours that both languages take (smtpd.conf(5)).
extension ConfigurationParser {
    /// Words that begin these statements without being reserved.
    func isOperationStatement(_ word: String) -> Bool {
        guard ["control", "metrics", "log"].contains(word) else { return false }
        var ahead = lexer
        return !ahead.next().isMark("=")
    }

    mutating func operationStatement() throws(StatementFailure) {
        if take("control") {
            try controlStatement()
        } else if take("metrics") {
            try metricsStatement()
        } else {
            advance()
            try logStatement()
        }
    }

    /// `control group NAME`.
    private mutating func controlStatement() throws(StatementFailure) {
        guard takeWord("group") else { throw unexpected("`group`") }
        let location = token.location
        let group = try name("the name of a group")
        try checkName(group, "the name of the group", at: location)
        if !environment.groupExists(group) { warn(at: location, "no such group: \(group); nobody gets its rights") }
        result.operation.readersGroup = group
    }

    /// `metrics on socket PATH` or `metrics on ADDRESS [port PORT]`.
    private mutating func metricsStatement() throws(StatementFailure) {
        try require("on")
        let location = token.location
        let endpoint: OperationSettings.MetricsEndpoint
        if takeWord("socket") {
            let path = try bounded("the path of the socket", Self.longestSocketPath)
            guard path.hasPrefix("/") else { throw fail(at: location, "not an absolute path: \(path)") }
            try checkPrintable(path, "the path of the socket", at: location)
            endpoint = .socket(path)
        } else {
            let text = try string("`socket` or an address of the loopback interface")
            guard let address = text == "localhost" ? .v4(0x7F00_0001) : IPAddress(text.utf8), address.isLoopback else {
                throw fail(
                    at: location, "metrics are for this machine alone: \(text)",
                    expected: "`socket` and a path, or an address of the loopback interface")
            }
            endpoint = .loopback(
                address, port: take("port") ? try port() : OperationSettings.MetricsEndpoint.defaultPort)
        }
        guard !result.operation.metrics.contains(endpoint) else { throw fail(at: location, "metrics are served there already") }
        guard result.operation.metrics.count < Self.maximumMetricsEndpoints else {
            throw fail(at: location, "metrics are served at \(Self.maximumMetricsEndpoints) places already")
        }
        result.operation.metrics.append(endpoint)
    }

    /// Takes a word, in quotes too: the converter puts words that only the 7.x language has reserved in quotes.
    private mutating func takeWord(_ word: String) -> Bool {
        guard token.kind.string == word else { return false }
        advance()
        return true
    }

    /// The kernel's bound, with room for its NUL.
    private static let longestSocketPath = 107
    private static let maximumMetricsEndpoints = 8

    /// `log to TARGET [as FORMAT]`.
    private mutating func logStatement() throws(StatementFailure) {
        try require("to")
        let location = token.location
        let target = try name("syslog, journal or stderr")
        guard let known = OperationSettings.LogSettings.Target(rawValue: target) else {
            throw fail(at: location, "unknown log: \(target)", expected: "syslog, journal or stderr")
        }
        result.operation.log.target = known
        result.operation.log.format = .text
        guard take("as") else { return }
        let place = token.location
        let format = try name("text or json")
        guard let form = OperationSettings.LogSettings.Format(rawValue: format) else {
            throw fail(at: place, "unknown format: \(format)", expected: "text or json")
        }
        result.operation.log.format = form
    }
}

extension IPAddress {
    /// An address that reaches this machine alone.
    fileprivate var isLoopback: Bool {
        switch self {
        case .v4(let value): value >> 24 == 127
        case .v6(let high, let low): high == 0 && low == 1
        }
    }
}
