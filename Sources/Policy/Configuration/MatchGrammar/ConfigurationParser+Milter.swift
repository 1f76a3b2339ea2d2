// `filter NAME milter ADDRESS`, an extension of the 7.x grammar (smtpd.conf(5)).
extension ConfigurationParser {
    /// What stands behind the word `milter`.
    mutating func milter() throws(StatementFailure) -> MilterSettings {
        let location = token.location
        let text = try string("an address such as inet:localhost:8891 or unix:/run/milter.sock")
        let address: MilterAddress
        do throws(MilterAddress.Failure) {
            address = try MilterAddress(parsing: text)
        } catch {
            throw fail(
                at: location, "invalid address of a milter: \(error.text)",
                expected: "inet:HOST:PORT, inet6:HOST:PORT or unix:PATH")
        }
        var settings = MilterSettings(address: address)
        var given: Set<String> = []
        while let option = ["on-failure", "timeout", "connect-timeout", "message-timeout"].first(where: { isKeyword($0) }) {
            guard given.insert(option).inserted else {
                throw fail(at: token.location, "\(option) already given for this milter")
            }
            advance()
            switch option {
            case "timeout": settings.timeout = try delay("a time")
            case "connect-timeout": settings.connectTimeout = try delay("a time")
            case "message-timeout": settings.messageTimeout = try delay("a time")
            default:
                if take("refuse") {
                    settings.onFailure = .refuse
                } else if take("accept") {
                    settings.onFailure = .accept
                } else {
                    throw unexpected("refuse or accept")
                }
            }
        }
        return settings
    }

    /// The filter of a relay, which hears reports of outgoing sessions; milters have none.
    mutating func relayFilterReference() throws(StatementFailure) -> FilterReference {
        let location = token.location
        let reference = try filterReference()
        for name in result.members(of: reference) {
            guard let filter = result.filters.first(where: { $0.name == name }), case .milter = filter.kind else { continue }
            throw fail(at: location, "filter \(name) is a milter, which takes no part in outgoing sessions")
        }
        return reference
    }
}

extension Configuration {
    /// The filters that a reference comes to, in order: chains taken apart.
    fileprivate func members(of reference: FilterReference) -> [String] {
        switch reference {
        case .chain(let names): return names
        case .named(let name):
            guard case .chain(let names)? = filters.first(where: { $0.name == name })?.kind else { return [name] }
            return names
        }
    }
}
