#if LDAP
import TableProgram
import Tables

/// An LDAP directory on one of some servers: for each service a filter with the key in it, and the attributes that make
/// the value.
struct LDAPEngine: TableEngine {
    struct Search: Sendable {
        var filter: FilterTemplate
        var attributes: [String]
    }

    struct Login: Sendable {
        /// URLs, with blanks between.
        var servers: String
        var user: String?
        var password: String?
        var base: String
        var tls: ServerTLS
        /// Whether a connection turns to TLS before anything else is said.
        var startsTLS: Bool
        /// In seconds.
        var connecting: Int
        var answering: Int
    }

    private static let served: [TableService] = [
        .alias, .domain, .credentials, .netaddr, .userinfo, .mailaddr, .addrname, .mailaddrmap, .relayhost, .string,
    ]

    private let login: Login
    private let searches: [TableService: Search]
    private let table: String

    init(_ settings: inout ProgramSettings, table: String) throws(ProgramSettings.Problem) {
        self.table = table
        let servers = try settings.require("url")
        let startsTLS = try settings.takeWord("starttls", of: ["yes", "no"]) == "yes"
        let words = servers.split { $0 == " " || $0 == "\t" || $0 == "," }
        for word in words where !["ldap://", "ldaps://", "ldapi://"].contains(where: word.hasPrefix) {
            throw .init("url: \(word) begins neither with ldap:// nor with ldaps:// or ldapi://")
        }
        let isSecured = startsTLS || words.contains { $0.hasPrefix("ldaps://") }
        login = Login(
            servers: words.joined(separator: " "), user: settings.take("username"), password: settings.take("password"),
            base: settings.take("basedn") ?? "", tls: try ServerTLS(taking: &settings, standard: isSecured ? .verify : .off),
            startsTLS: startsTLS,
            connecting: try settings.takeNumber("connect_timeout", in: 1...300) ?? 5,
            answering: try settings.takeNumber("query_timeout", in: 1...300) ?? 5)
        if isSecured, login.tls.mode == .off { throw .init("tls off, but a server is asked for TLS") }
        if !isSecured, login.tls.mode != .off { throw .init("tls needs starttls yes, or ldaps:// in the url") }
        if login.password != nil, login.user == nil { throw .init("a password without username") }
        var searches: [TableService: Search] = [:]
        for service in Self.served { searches[service] = try Self.search(service, &settings) }
        guard !searches.isEmpty else { throw .init("there is no filter: see alias_filter and its like") }
        self.searches = searches
    }

    private static func search(
        _ service: TableService, _ settings: inout ProgramSettings
    ) throws(ProgramSettings.Problem) -> Search? {
        let name = service.name
        let filter = settings.take("\(name)_filter")
        let list = settings.take("\(name)_attributes")
        guard let filter, let list else {
            if filter != nil || list != nil { throw .init("\(name)_filter and \(name)_attributes need each other") }
            return nil
        }
        var attributes = list.split { $0 == " " || $0 == "\t" || $0 == "," }.map(String.init)
        // Files for OpenSMTPD 5.4 name the user first, whose name is the key.
        if service == .userinfo, attributes.count == 4 { attributes.removeFirst() }
        guard attributes.count == service.columns else {
            throw .init("\(name)_attributes has \(attributes.count) attributes and not \(service.columns)")
        }
        return Search(filter: try FilterTemplate(filter, setting: "\(name)_filter"), attributes: attributes)
    }

    var services: [TableService] { Self.served.filter { searches[$0] != nil } }
    var fetching: [TableService: FetchPolicy] { [:] }

    func connect() throws(TableFailure) -> LDAPConnection { try LDAPConnection(login, searches, table: table) }
}
#endif
