import MailSyntax

/// The entries of a table prepared for one pattern service, so that a hundred thousand of them cost a
/// few look-ups and not a hundred thousand comparisons.
///
/// Entries are numbered in ascending byte order of their keys; every index answers with the lowest
/// number that matches, because the first pattern in that order wins.
enum PatternIndex: Sendable {
    case domains(DomainIndex)
    case addresses(MailAddressIndex)
    case networks(NetworkIndex)
    case expressions(ExpressionIndex)

    /// Nil for a service that compares whole keys.
    init?(_ keys: [TableKey], written: [String], for service: TableService, delimiter: UInt8) {
        switch service {
        case .domain: self = .domains(DomainIndex(keys))
        case .mailaddr: self = .addresses(MailAddressIndex(keys, delimiter: delimiter))
        case .netaddr: self = .networks(NetworkIndex(keys))
        case .regex: self = .expressions(ExpressionIndex(written))
        case .alias, .credentials, .auth, .userinfo, .source, .addrname, .mailaddrmap, .relayhost, .string:
            return nil
        }
    }

    func firstMatch(_ key: TableKey) -> Int? {
        switch self {
        case .domains(let index): index.firstMatch(key)
        case .addresses(let index): index.firstMatch(key)
        case .networks(let index): index.firstMatch(key)
        case .expressions(let index): index.firstMatch(key)
        }
    }
}

/// Host names and patterns: names and `*.suffix` by hash, other wildcards one by one.
struct DomainIndex: Sendable {
    private var byText: [TableKey: Int] = [:]
    private var others: [(pattern: WildcardPattern, number: Int)] = []

    init(_ keys: [TableKey]) {
        for (number, key) in keys.enumerated() {
            let pattern = WildcardPattern(key.bytes)
            if pattern.hasWildcard && pattern.dottedSuffix == nil {
                others.append((pattern, number))
            } else {
                byText[key] = number
            }
        }
    }

    func firstMatch(_ key: TableKey) -> Int? {
        var best = byText[key]
        for form in wildcardForms(of: key.bytes[...]) {
            if let number = byText[TableKey(form)] { best = min(best ?? number, number) }
        }
        for (pattern, number) in others {
            if let best, best < number { break }
            if pattern.matches(key.bytes) { return number }
        }
        return best
    }
}

/// `*` and `*.suffix` for every suffix of the name: the patterns of that shape that match it.
private func wildcardForms(of name: ArraySlice<UInt8>) -> [[UInt8]] {
    [[WildcardPattern.star]] + dottedSuffixes(of: name).map { [WildcardPattern.star] + $0 }
}

/// Patterns of mail addresses, by hash but for unusual wildcards.
struct MailAddressIndex: Sendable {
    private var byText: [TableKey: Int] = [:]
    private var others: [(pattern: MailAddressPattern, number: Int)] = []
    private let delimiter: UInt8

    init(_ keys: [TableKey], delimiter: UInt8) {
        self.delimiter = delimiter
        for (number, key) in keys.enumerated() {
            let (user, domain) = splitAddress(key.bytes[...])
            let pattern = WildcardPattern(domain)
            if pattern.hasWildcard && pattern.dottedSuffix == nil {
                others.append((MailAddressPattern(user: user, domain: pattern), number))
            } else {
                // `user@` means the same as `user`; the first of equal patterns wins.
                let text = user.isEmpty || !domain.isEmpty ? key : TableKey(user)
                if byText[text] == nil { byText[text] = number }
            }
        }
    }

    func firstMatch(_ key: TableKey) -> Int? {
        let address = AddressKey(key, delimiter: delimiter)
        var best = byText[TableKey("@")]
        func consider(_ user: ArraySlice<UInt8>, _ domain: [UInt8]?) {
            let text = domain.map { Array(user) + [UInt8(ascii: "@")] + $0 } ?? Array(user)
            guard let number = byText[TableKey(text)] else { return }
            best = min(best ?? number, number)
        }
        let users = [[], address.user, address.untaggedUser]
        for user in users {
            if !user.isEmpty { consider(user, nil) }
            guard !address.domain.isEmpty else { continue }
            consider(user, Array(address.domain))
            for form in wildcardForms(of: address.domain) { consider(user, form) }
        }
        for (pattern, number) in others {
            if let best, best < number { break }
            if pattern.matches(address, delimiter: delimiter) { return number }
        }
        return best
    }
}

/// Networks by prefix length and masked address, and everything by its text.
struct NetworkIndex: Sendable {
    private var byText: [TableKey: Int] = [:]
    private var byNetwork: [NetworkPattern: Int] = [:]
    private var lengths: Set<Int> = []

    init(_ keys: [TableKey]) {
        for (number, key) in keys.enumerated() {
            byText[key] = number
            guard let network = NetworkPattern(key.bytes) else { continue }
            lengths.insert(network.prefixLength)
            if byNetwork[network] == nil { byNetwork[network] = number }
        }
    }

    /// The key is the text of an address, or `local`.
    func firstMatch(_ key: TableKey) -> Int? {
        var best = byText[key]
        guard let address = SourceAddress(key.bytes)?.address else { return best }
        for length in lengths where length <= address.width {
            let network = NetworkPattern(address, prefixLength: length)
            if let number = byNetwork[network] { best = min(best ?? number, number) }
        }
        return best
    }
}

/// Regular expressions, tried one by one. What does not compile matches nothing.
struct ExpressionIndex: Sendable {
    private var expressions: [(expression: RegularExpression, number: Int)] = []
    /// What does not compile, with the reason.
    private(set) var invalid: [(pattern: String, reason: RegularExpression.SyntaxError)] = []

    /// - Parameter patterns: As written: lower case would change classes such as `\W` and `[[:upper:]]`.
    init(_ patterns: [String]) {
        for (number, pattern) in patterns.enumerated() {
            do throws(RegularExpression.SyntaxError) {
                expressions.append((try RegularExpression(pattern), number))
            } catch {
                invalid.append((pattern, error))
            }
        }
    }

    func firstMatch(_ key: TableKey) -> Int? {
        expressions.first { $0.expression.matches(key.bytes) }?.number
    }
}
