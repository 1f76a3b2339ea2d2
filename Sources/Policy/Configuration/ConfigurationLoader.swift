/// What became of loading a configuration.
package enum ConfigurationResult: Sendable {
    /// The policy, and the warnings and notes on the way.
    case configuration(Configuration, notes: [Diagnostic])
    /// Every mistake found, in the order of the text; warnings and notes among them.
    case failed([Diagnostic])
}

/// Reads smtpd.conf in either of its two languages (smtpd.conf(5)).
///
/// A pure function of the text, the macros of the command line and what ``ConfigurationEnvironment``
/// answers. Start reading at ``load(file:macros:environment:)``; the languages are in `MatchGrammar`
/// and `AcceptGrammar`, what they share in `Loader` and `Language`.
package enum ConfigurationLoader {
    /// - Parameters:
    ///   - file: A path; every diagnostic names it as written here.
    ///   - macros: `-D name=value` of the command line, which the file cannot override.
    package static func load(
        file: String, macros: [(String, String)], environment: some ConfigurationEnvironment
    ) -> ConfigurationResult {
        let bytes: [UInt8]
        do {
            bytes = try environment.contents(ofFile: file)
        } catch {
            return .failed([Diagnostic(at: nil, "cannot read \(file): \(error.text)")])
        }
        return load(text: bytes, named: file, macros: macros, environment: environment)
    }

    /// As ``load(file:macros:environment:)``, from a text already read.
    package static func load(
        text: [UInt8], named file: String, macros: [(String, String)], environment: some ConfigurationEnvironment
    ) -> ConfigurationResult {
        let source = ConfigurationSource(name: file, bytes: text, macros: macros)
        switch GenerationDetector.detect(source, environment: environment) {
        case .mixed(let accept, let match):
            return .failed([mixture(accept, match)])
        case .one(let generation):
            guard let serverName = ServerName.find(environment) else {
                return .failed([Diagnostic(at: nil, "this host has no name; set it, or write one into the mailname file")])
            }
            var parser = ConfigurationParser(
                source: source, generation: generation, serverName: serverName, environment: environment)
            return parser.parse()
        }
    }

    private static func mixture(_ accept: GenerationDetector.Heading, _ match: GenerationDetector.Heading) -> Diagnostic {
        // The later one is where the file leaves its language.
        let acceptIsLater =
            accept.location.file == match.location.file
            && (accept.location.line, accept.location.column) > (match.location.line, match.location.column)
        let (later, earlier) = acceptIsLater ? (accept, match) : (match, accept)
        return Diagnostic(
            at: later.location,
            "syntax error: `\(later.word)` here and `\(earlier.word)` at \(earlier.location) belong to two languages "
                + "(accept and reject to 5.4, action and match to 7.x)",
            expected: "rules of one of them")
    }
}

/// The name this host has in mail (mailname(5), else its host name).
enum ServerName {
    static let maximumLength = 255

    /// Nil when the host has no name at all.
    static func find(_ environment: some ConfigurationEnvironment) -> String? {
        if let name = environment.mailName, isUsable(name) { return name }
        let name = environment.hostName
        guard isUsable(name) else { return nil }
        if name.utf8.contains(UInt8(ascii: ".")) { return name }
        // A resolver that fails is no reason not to start: the short name stays.
        guard let full = environment.canonicalName(ofHost: name), isUsable(full) else { return name }
        return full
    }

    private static func isUsable(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= maximumLength && name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
    }
}
