import JSON
import MailSyntax

/// One thing that `smtpctl doctor` looked at, and what it makes of it. Pure: facts come in as values.
struct Finding: Hashable {
    enum State: String {
        case fine
        /// Works, and somebody may be surprised.
        case warning
        /// Mail is lost, late or refused because of it.
        case problem
    }

    /// What was looked at, one word for scripts.
    let subject: String
    let state: State
    /// A sentence for people.
    let text: String

    init(_ subject: String, _ state: State, _ text: String) {
        self.subject = subject
        self.state = state
        self.text = text
    }

    /// As it is printed; what others wrote (names of the DNS, output of programs) cannot do harm on a terminal.
    var line: String {
        let sign = switch state {
        case .fine: "  ok    "
        case .warning: "warning "
        case .problem: "PROBLEM "
        }
        return sign + JSONValue.text(text).line.dropFirst().dropLast()
    }

    var json: JSONValue { .object(["subject": .text(subject), "state": .text(state.rawValue), "text": .text(text)]) }
}

/// The judgements, one function for each subject.
extension Finding {
    /// - Parameters:
    ///   - host: The full name of the machine; nil when it has none.
    ///   - mailName: The first line of /etc/mailname; nil when there is none.
    static func names(host: String?, mailName: String?) -> [Finding] {
        var findings: [Finding] = []
        if let host, host.contains("."), !host.hasSuffix(".localdomain") {
            findings.append(Finding("hostname", .fine, "This machine calls itself \(host)."))
        } else {
            findings.append(
                Finding("hostname", .warning, "The name of this machine, \(host ?? "which nobody knows"), has no domain: other servers may not take mail from it."))
        }
        switch mailName {
        case nil: findings.append(Finding("mailname", .warning, "/etc/mailname is missing: addresses without a domain get the name of the machine."))
        case let name? where !name.contains("."):
            findings.append(Finding("mailname", .warning, "/etc/mailname says \(name), which is no domain that anybody could answer to."))
        case let name?: findings.append(Finding("mailname", .fine, "Addresses without a domain get \(name)."))
        }
        return findings
    }

    /// Where mail for root ends up: aliases are followed until they say nothing more.
    ///
    /// - Parameters:
    ///   - aliases: Keys in lower case; values are destinations without comments and quotes.
    ///   - isUser: Whether the system has a user of a name.
    static func root(aliases: [String: [String]], isUser: (String) -> Bool) -> Finding {
        var open = ["root"]
        var seen: Set<String> = []
        var readers: [String] = []
        while let name = open.popLast() {
            guard seen.insert(name).inserted else { continue }
            if let next = aliases[name] { open += next } else if name != "root" { readers.append(name) }
        }
        guard !readers.isEmpty else {
            return Finding("root", .problem, "Nobody reads root's mail: /etc/aliases needs a line like root: ada.")
        }
        let lost = readers.filter { reader in
            !reader.contains("@") && !reader.hasPrefix("|") && !reader.hasPrefix("/") && !reader.hasPrefix(":include:")
                && !reader.hasPrefix("error:") && !isUser(reader)
        }
        guard lost.isEmpty else {
            return Finding("root", .problem, "Root's mail should go to \(lost.sorted().joined(separator: ", ")), and there is no such user.")
        }
        return Finding("root", .fine, "Root's mail goes to \(readers.sorted().joined(separator: ", ")).")
    }

    /// - Parameter mode: Permission bits; nil when the file is not there.
    static func secret(_ path: String, mode: UInt32?) -> Finding {
        guard let mode else { return Finding("secrets", .problem, "\(path) is named in smtpd.conf and not there.") }
        guard mode & 0o007 == 0 else {
            return Finding("secrets", .problem, "Everybody on this machine can read \(path): its mode is \(String(mode, radix: 8)), and should be 640.")
        }
        return Finding("secrets", .fine, "\(path) is closed to others.")
    }

    /// - Parameter days: Until it expires, negative afterwards; nil for a file that holds none.
    static func certificate(_ path: String, days: Int?) -> Finding {
        switch days {
        case nil: Finding("certificates", .problem, "There is no certificate that can be read in \(path).")
        case let days? where days < 0: Finding("certificates", .problem, "The certificate in \(path) has expired.")
        case let days? where days < 14: Finding("certificates", .warning, "The certificate in \(path) expires in \(days) days.")
        case let days?: Finding("certificates", .fine, "The certificate in \(path) is good for \(days) days.")
        }
    }

    /// - Parameter said: The lines of `smtpd -n`: what is wrong, or what it warns of.
    static func configuration(isAccepted: Bool, said: [String]) -> [Finding] {
        guard isAccepted else {
            let reason = said.first.map { ": \($0)" } ?? "."
            return [Finding("configuration", .problem, "smtpd does not accept its configuration\(reason)")]
        }
        let warnings = said.filter { $0.hasPrefix("warning: ") || $0.contains(": warning: ") }
        return [Finding("configuration", .fine, "smtpd accepts its configuration.")]
            + warnings.map { Finding("configuration", .warning, "smtpd accepts its configuration with a \($0)") }
    }

    /// - Parameters:
    ///   - free: Octets that are free for others than root.
    ///   - files: Files that can still be made; nil for a file system that does not count.
    static func room(_ path: String, free: UInt64, files: UInt64?) -> Finding {
        let megabytes = free >> 20
        if megabytes < 64 { return Finding("disk", .problem, "\(path) has room for \(megabytes) MB only: mail will soon be refused.") }
        if let files, files < 1_000 { return Finding("disk", .problem, "\(path) has room for \(files) more files only.") }
        if megabytes < 1_024 { return Finding("disk", .warning, "\(path) has \(megabytes) MB left.") }
        return Finding("disk", .fine, "\(path) has \(megabytes) MB left.")
    }

    /// What became of a message of the null sender that is no longer queued: nobody would hear of its failure.
    ///
    /// - Parameter history: Lines of `smtpctl history` about it; none when no history is kept.
    static func probe(history: [String]) -> Finding {
        let bad = ["failed", "looped", "expired", "removed", "lost"]
        let failure = history.first { line in
            let words = line.split(separator: " ", maxSplits: 3)
            return words.count > 2 && bad.contains(String(words[2]))
        }
        guard let failure else { return Finding("probe", .fine, "The probe to root was delivered.") }
        return Finding("probe", .problem, "The probe to root was not delivered: \(failure)")
    }

    /// - Parameters:
    ///   - address: One of this machine that the world can reach.
    ///   - names: What the DNS calls it; nil when the DNS did not answer.
    static func reverse(of address: String, names: [String]?, host: String) -> Finding {
        guard let names else { return Finding("ptr", .warning, "The DNS does not say what \(address) is called; it did not answer.") }
        guard let first = names.first else {
            return Finding("ptr", .problem, "\(address) has no name in the DNS (PTR): many servers refuse mail from it.")
        }
        guard names.contains(where: { $0.lowercased() == host.lowercased() }) else {
            return Finding("ptr", .warning, "\(address) is called \(first) in the DNS, not \(host) as this machine calls itself.")
        }
        return Finding("ptr", .fine, "\(address) is called \(first) in the DNS.")
    }

    /// Whether the world can reach an address: not those of RFC 1918, 6598, 4193, 3927, nor of one link or machine.
    static func isPublic(_ address: IPAddress) -> Bool {
        switch address {
        case .v4(let value):
            switch (value >> 24, value >> 16 & 0xFF) {
            case (0, _), (10, _), (127, _), (192, 168), (172, 16...31), (100, 64...127), (169, 254): false
            default: true
            }
        case .v6(let high, let low): high >> 57 != 0x7E && high >> 54 != 0x3FA && (high != 0 || low > 1)
        }
    }
}
