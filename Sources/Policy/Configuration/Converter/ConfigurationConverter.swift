/// What became of a conversion.
package enum ConversionResult: Sendable {
    /// A 7.x configuration with the same meaning, and what to tell about it.
    case converted([UInt8], notes: [Diagnostic])
    /// The text was 7.x already.
    case unchanged([UInt8], note: Diagnostic)
    case failed([Diagnostic])
}

/// Writes a 5.4 configuration in the 7.x language.
///
/// Works on the text: comments, order and macros stay, included files are put in place, and statements
/// that mean the same in both languages are not touched. Where the languages differ in meaning, a comment
/// above the line says how. Rules are written from what the loader understood, so both mean the same.
package struct ConfigurationConverter {
    let configuration: Configuration
    let environment: any ConfigurationEnvironment
    let writer: MatchWriter
    private(set) var output: [UInt8] = []
    /// The prefix of the statement being written: its indentation.
    private var indentation: ArraySlice<UInt8> = []
    private var remainingRules: ArraySlice<Rule>
    private var writtenActions: Set<String> = []
    var writtenAuthorities: Set<String> = []

    /// - Parameters: as ``ConfigurationLoader/load(file:macros:environment:)``.
    package static func convert(
        file: String, macros: [(String, String)], environment: some ConfigurationEnvironment
    ) -> ConversionResult {
        let bytes: [UInt8]
        do {
            bytes = try environment.contents(ofFile: file)
        } catch {
            return .failed([Diagnostic(at: nil, "cannot read \(file): \(error.text)")])
        }
        return convert(text: bytes, named: file, macros: macros, environment: environment)
    }

    package static func convert(
        text: [UInt8], named file: String, macros: [(String, String)], environment: some ConfigurationEnvironment
    ) -> ConversionResult {
        switch ConfigurationLoader.load(text: text, named: file, macros: macros, environment: environment) {
        case .failed(let diagnostics):
            return .failed(diagnostics)
        case .configuration(let configuration, let notes):
            guard configuration.generation == .accept else {
                return .unchanged(text, note: Diagnostic(.note, at: nil, "\(file) is written in the 7.x language already"))
            }
            var converter = ConfigurationConverter(configuration, environment)
            let source = ConfigurationSource(name: file, bytes: text, macros: macros)
            let result = converter.convert(source)
            // The promise of this function; a breach would be our mistake, not the operator's.
            if case .failed(let diagnostics) = ConfigurationLoader.load(
                text: result, named: "\(file) (converted)", macros: macros, environment: environment)
            {
                return .failed(diagnostics)
            }
            return .converted(result, notes: notes)
        }
    }

    private init(_ configuration: Configuration, _ environment: any ConfigurationEnvironment) {
        self.configuration = configuration
        self.environment = environment
        self.writer = MatchWriter(tables: configuration.tables)
        self.remainingRules = configuration.rules[...]
    }

    private mutating func convert(_ source: ConfigurationSource) -> [UInt8] {
        header()
        var splitter = StatementSplitter(source, environment: environment)
        for piece in splitter.pieces() {
            switch piece {
            case .statement(let statement) where statement.tokens.isEmpty:
                output += statement.prefix
                output.append(0x0A)
            case .statement(let statement):
                indentation = statement.prefix
                write(statement)
            case .includeBegins(let statement, let path):
                indentation = statement.prefix
                line(Array("# include \(MatchWriter.quoted(path)): its text stands here.".utf8), suffix: statement.suffix)
            case .includeEnds(let path):
                indentation = []
                explain("End of include \(MatchWriter.quoted(path)).")
            }
        }
        return output
    }

    private mutating func header() {
        explain("Converted from the 5.4 language. Where the 7.x language means something else, a comment above the line says so.")
        explain("`for local` now includes the addresses of this host's interfaces.")
        let relays = configuration.actions.values.contains { if case .relay = $0.kind { true } else { false } }
        if relays {
            explain("The 5.4 defaults where 7.x has others:")
            line("mta limit max-conn-per-source 50 session-transaction-delay 1")
        }
    }

    // MARK: Lines

    /// A comment line.
    mutating func explain(_ text: String) { line("# \(text)") }

    mutating func line(_ text: String) { line(Array(text.utf8), suffix: []) }

    private mutating func line(_ text: some Collection<UInt8>, suffix: ArraySlice<UInt8>) {
        output += indentation
        output += text
        output += suffix
        output.append(0x0A)
    }

    private mutating func write(_ statement: SplitStatement) {
        let lines = lines(for: statement)
        guard !lines.isEmpty else {
            // Nothing is left of it: the words stay as a comment.
            explain(String(decoding: statement.text.map { $0 == 0x0A ? 0x20 : $0 }, as: UTF8.self))
            return
        }
        for (index, text) in lines.enumerated() {
            line(Array(text.utf8), suffix: index == lines.count - 1 ? statement.suffix : [])
        }
    }

    // MARK: Rules

    /// The action, unless it has been written, and the rules for the next rule of the file.
    mutating func nextRule(_ tokens: [Token]) -> [String] {
        guard let rule = remainingRules.popFirst() else { return [] }
        explainSource(rule)
        var lines: [String] = []
        if case .action(let name) = rule.decision, let action = configuration.actions[name],
            writtenActions.insert(name).inserted
        {
            explain(action, tokens)
            lines.append(writer.action(action, authorityNames: authorityNames))
        }
        return lines + writer.rules(rule)
    }

    private mutating func explainSource(_ rule: Rule) {
        if case .addresses(_, authenticatedIsLocal: true) = rule.from.criterion {
            explain("5.4 looked authenticated clients up as the word `local`; 7.x looks up their addresses.")
        }
    }

    private mutating func explain(_ action: Action, _ tokens: [Token]) {
        switch action.kind {
        case .local(let local):
            switch local.method {
            case .maildir(nil, _):
                explain("7.x uses the folder of a sub-address only if it exists, and does not deliver to root.")
            case .maildir: explain("7.x does not deliver to root.")
            case .command:
                explain("7.x takes exit codes other than 71 and 75 as permanent failures; 5.4 tried again after any.")
            case .mbox, .lmtp, .forwardOnly, .expandOnly: break
            }
        case .relay(let relay):
            explain(relay, tokens)
        }
    }

    private mutating func explain(_ relay: RelayAction, _ tokens: [Token]) {
        if relay.hosts == nil, relay.keyPair == nil, !configuration.keyPairs.isEmpty {
            explain("7.x shows no client certificate unless the action has a `pki`.")
        }
        if relay.backup == .ownName {
            explain("7.x compares with the name of the listener that took the message.")
        }
        if relay.backup != nil { explain("7.x uses TLS when the other side offers it; 5.4 did not here.") }
        if relay.sender != nil { explain("7.x changes the sender when it delivers, 5.4 when it accepts.") }
        if relay.tls == .required, relay.auth != nil, relay.hosts != nil {
            explain("7.x verifies the certificate; add `tls no-verify` to go without as in 5.4.")
        }
        if tokens.contains(where: { $0.kind.string?.hasPrefix("secure") == true && $0.kind != .word("secure") }) {
            explain("secure:// tried STARTTLS and TLS in turn; 7.x has no such scheme.")
        }
    }

    /// What the authorities of 5.4 `pki NAME ca FILE` are called in 7.x.
    var authorityNames: [String: String] {
        var names: [String: String] = [:]
        for (name, pair) in configuration.keyPairs where pair.authority != nil { names["<pki \(name)>"] = name }
        return names
    }
}
