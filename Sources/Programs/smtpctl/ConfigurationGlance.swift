/// What `smtpctl doctor` needs to know of a smtpd.conf(5), found at a glance: files it names, and whether mail goes out
/// directly. Whether the file is right is for smtpd(8) to say.
struct ConfigurationGlance: Hashable {
    /// Files of certificates, in order.
    private(set) var certificates: [String] = []
    /// Files of tables that hold secrets.
    private(set) var secrets: [String] = []
    /// Some mail goes to the mail exchangers of its domain.
    private(set) var relaysDirectly = false
    /// Some mail goes to a server of the configuration.
    private(set) var hasSmarthost = false

    init(_ text: String) {
        var files: [String: String] = [:]
        var named: [String] = []
        for words in Self.statements(of: text) {
            switch words.first {
            case "table" where words.count >= 3 && words[2].hasPrefix("file:"): files[words[1]] = String(words[2].dropFirst(5))
            case "pki":
                if let at = words.firstIndex(of: "cert") ?? words.firstIndex(of: "certificate"), at + 1 < words.count {
                    certificates.append(words[at + 1])
                }
            default: break
            }
            for (word, next) in zip(words, words.dropFirst()) where word == "auth" || word == "auth-optional" {
                if next.hasPrefix("<"), next.hasSuffix(">") { named.append(String(next.dropFirst().dropLast())) }
            }
            guard words.first == "action" || words.first == "accept", let at = words.firstIndex(of: "relay") else { continue }
            if words[at...].contains("host") || words[at...].contains("via") { hasSmarthost = true } else { relaysDirectly = true }
        }
        for name in named {
            if let file = files[name], !secrets.contains(file) { secrets.append(file) }
        }
    }

    /// Lines of words: comments and quotes are gone, a backslash at the end goes on.
    private static func statements(of text: String) -> [[String]] {
        var statements: [[String]] = []
        var words: [String] = []
        var word: String?
        var isQuoted = false
        var isComment = false
        var continues = false
        func endWord() {
            if let done = word { words.append(done) }
            word = nil
        }
        for character in text.unicodeScalars {
            switch character {
            case "\n":
                endWord()
                if !continues {
                    if !words.isEmpty { statements.append(words) }
                    words = []
                }
                (isQuoted, isComment, continues) = (false, false, false)
            case _ where isComment: break
            case "\"": isQuoted.toggle(); if word == nil { word = "" }
            case "#" where !isQuoted: endWord(); isComment = true
            case " " where !isQuoted, "\t" where !isQuoted: endWord()
            case "\\" where !isQuoted: continues = true
            default:
                continues = false
                word = (word ?? "") + String(character)
            }
        }
        endWord()
        if !words.isEmpty { statements.append(words) }
        return statements
    }
}

/// Lines of an alias file as far as a person would follow them by eye: `name: destination, destination`, continued by
/// lines that begin with blanks.
func aliasLines(_ text: String) -> [String: [String]] {
    var aliases: [String: [String]] = [:]
    var last: String?
    for line in text.split(separator: "\n", omittingEmptySubsequences: true) {
        let bare = line.prefix { $0 != "#" }
        guard bare.contains(where: { $0 != " " && $0 != "\t" }) else { continue }
        var values = bare
        if let first = bare.first, first != " ", first != "\t" {
            guard let colon = bare.firstIndex(of: ":") else { continue }
            last = cleaned(bare[..<colon]).lowercased()
            values = bare[bare.index(after: colon)...]
        }
        guard let key = last else { continue }
        aliases[key, default: []] += values.split(separator: ",").map(cleaned).filter { !$0.isEmpty }
            // Names of users and of aliases have no case; whatever else a destination is keeps its own.
            .map { $0.utf8.contains { byte in byte == 0x2F || byte == 0x7C || byte == 0x40 } ? $0 : $0.lowercased() }
    }
    return aliases
}

private func cleaned(_ text: Substring) -> String {
    String(text.drop { $0 == " " || $0 == "\t" || $0 == "\"" }.reversed().drop { $0 == " " || $0 == "\t" || $0 == "\"" }.reversed())
}
