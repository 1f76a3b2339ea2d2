/// One option of a listener with its arguments, as 7.x text.
private struct ListenOption {
    /// Options that replace each other have the same one.
    var group: String
    var text: String
}

// `listen on` lines.
extension ConfigurationConverter {
    mutating func listener(_ statement: SplitStatement) -> [String] {
        let tokens = statement.tokens
        guard tokens.count > 2 else { return unchanged(statement) }
        let endpoint = tokens[2]
        let isInterface = endpoint.kind.string.map(isInterface) ?? false
        var options: [ListenOption] = []
        var isSecure = false
        var rest = tokens.dropFirst(3)
        while let token = rest.popFirst(), case .word(let name) = token.kind {
            switch name {
            case "mask-source": options.set("mask-src", "mask-src")
            case "secure":
                isSecure = true
                options.removeAll { $0.group == "tls" }
            case "smtps", "tls", "tls-require":
                isSecure = false
                var text = name
                if name != "tls", rest.first?.kind == .word("verify") {
                    rest.removeFirst()
                    text += " verify"
                }
                options.set("tls", text)
            case "inet4", "inet6":
                if isInterface {
                    options.set("family", name)
                } else {
                    explain("5.4 heeded \(name) for interfaces only; left out here.")
                }
            case "auth", "auth-optional":
                if rest.first?.kind == .word("dovecot") {
                    rest.removeFirst()
                    options.set("auth", "\(name) dovecot \(argument(&rest) ?? "")")
                    continue
                }
                options.set("auth", ([name] + (argument(&rest, isOptional: true).map { [$0] } ?? [])).joined(separator: " "))
            case "hostnames":
                explain("7.x looks the listener's own address up, not that of the connection.")
                options.set(name, "hostnames \(argument(&rest) ?? "")")
            case "senders":
                var text = "senders \(argument(&rest) ?? "")"
                if rest.first?.kind == .word("masquerade") {
                    rest.removeFirst()
                    text += " masquerade"
                }
                options.set(name, text)
            case "filter":
                explain("Filters of 5.4 do not work with 7.x; left out here.")
                rest = rest.dropFirst()
            case "pki":
                let pair = rest.popFirst()?.kind.string ?? ""
                options.set(name, "pki \(MatchWriter.string(ConfigurationParser.lowercased(pair)))")
            case "port":
                // The one place where 7.x takes these reserved words for a string.
                let port = rest.popFirst()
                let isService = port?.kind == .word("smtp") || port?.kind == .word("smtps")
                options.set(name, "port \((isService ? port?.kind.string : port.map(word)) ?? "")")
            case "tag", "hostname", "ca", "ciphers":
                options.set(name, "\(name) \(rest.popFirst().map(word) ?? "")")
            default:
                options.set(name, name)
            }
        }
        if !options.contains(where: { $0.group == "ca" }), let name = authority(of: options, isSecure) {
            options.set("ca", "ca \(MatchWriter.string(name))")
        }
        let words = ["listen on", word(endpoint)]
        if endpoint.kind == .word("socket") { return [(["listen on socket"] + options.map(\.text)).joined(separator: " ")] }
        guard isSecure else { return [(words + options.map(\.text)).joined(separator: " ")] }
        return ["smtps", "tls"].map { (words + [$0] + options.map(\.text)).joined(separator: " ") }
    }

    private func isInterface(_ name: String) -> Bool {
        environment.addresses(ofInterface: name) != nil || ["all", "egress", "lo0"].contains(name)
    }

    /// 5.4 `pki NAME ca FILE` counts for every listener with the pair.
    private func authority(of options: [ListenOption], _ isSecure: Bool) -> String? {
        guard isSecure || options.contains(where: { $0.group == "tls" }) else { return nil }
        guard let pair = options.first(where: { $0.group == "pki" }) else { return nil }
        return configuration.keyPairs.first {
            $0.value.authority != nil && pair.text == "pki \(MatchWriter.string($0.key))"
        }?.key
    }

    /// A table argument.
    private func argument(_ rest: inout ArraySlice<Token>, isOptional: Bool = false) -> String? {
        guard let first = rest.first else { return nil }
        var tokens: ArraySlice<Token> = []
        if first.isMark("<") {
            tokens = rest.prefix(3)
        } else if first.isMark("{") {
            let end = rest.firstIndex { $0.isMark("}") } ?? rest.index(before: rest.endIndex)
            tokens = rest[...end]
        } else if case .word(let text) = first.kind, isOptional,
            ReservedWords.contains(text, in: .accept) || text == "no-dsn" || text == "received-auth"
        {
            return nil
        } else {
            tokens = rest.prefix(1)
        }
        rest = rest.dropFirst(tokens.count)
        return String(join("", tokens).drop { $0 == " " })
    }
}

extension [ListenOption] {
    /// Sets an option; one of the same group is replaced, as the 5.4 grammar does.
    fileprivate mutating func set(_ group: String, _ text: String) {
        removeAll { $0.group == group }
        append(ListenOption(group: group, text: text))
    }
}
