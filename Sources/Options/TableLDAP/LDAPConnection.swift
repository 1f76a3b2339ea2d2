#if LDAP
import CLDAP
import Glibc
import Platform
import TableProgram
import Tables

/// A connection to a directory: all searches are begun before the first result is waited for.
final class LDAPConnection: TableConnection {
    private let login: LDAPEngine.Login
    private let searches: [TableService: LDAPEngine.Search]
    private let table: String
    // Made in the initializer and given back by deinit alone.
    private let handle: OpaquePointer

    init(_ login: LDAPEngine.Login, _ searches: [TableService: LDAPEngine.Search], table: String) throws(TableFailure) {
        self.login = login
        self.searches = searches
        self.table = table
        var made: OpaquePointer?
        let code = ldap_initialize(&made, login.servers)
        guard code == LDAP_SUCCESS, let made else { throw TableFailure("\(login.servers): \(Self.words(code))") }
        handle = made
        do throws(TableFailure) {
            try prepare()
            try bind()
        } catch {
            throw TableFailure("\(login.servers): \(error.reason)")
        }
    }

    deinit { ldap_unbind_ext_s(handle, nil, nil) }

    // MARK: Connecting

    private func prepare() throws(TableFailure) {
        var version: CInt = 3
        var connecting = timeval(tv_sec: login.connecting, tv_usec: 0)
        var answering = timeval(tv_sec: login.answering, tv_usec: 0)
        try set(LDAP_OPT_PROTOCOL_VERSION, &version)
        try set(LDAP_OPT_NETWORK_TIMEOUT, &connecting)
        try set(LDAP_OPT_TIMEOUT, &answering)
        // A referral would lead to a server that nobody has named, without our login.
        try check(ldap_set_option(handle, LDAP_OPT_REFERRALS, nil), "referrals")
        guard login.tls.mode != .off else { return }
        var demand = login.tls.mode == .verify ? LDAP_OPT_X_TLS_DEMAND : LDAP_OPT_X_TLS_NEVER
        try set(LDAP_OPT_X_TLS_REQUIRE_CERT, &demand)
        if let file = login.tls.authorities { try check(ldap_set_option(handle, LDAP_OPT_X_TLS_CACERTFILE, file), "tls_ca") }
        if let file = login.tls.certificate { try check(ldap_set_option(handle, LDAP_OPT_X_TLS_CERTFILE, file), "tls_cert") }
        if let file = login.tls.key { try check(ldap_set_option(handle, LDAP_OPT_X_TLS_KEYFILE, file), "tls_key") }
        // Settings count for a context that is made after them.
        var isServer: CInt = 0
        try set(LDAP_OPT_X_TLS_NEWCTX, &isServer)
    }

    private func bind() throws(TableFailure) {
        if login.startsTLS { try check(ldap_start_tls_s(handle, nil, nil), "starttls") }
        let code = (login.password ?? "").withCString { password in
            var credentials = berval(bv_len: UInt(strlen(password)), bv_val: UnsafeMutablePointer(mutating: password))
            // No mechanism is the simple one; the library only reads the password.
            return ldap_sasl_bind_s(handle, login.user, nil, &credentials, nil, nil, nil)
        }
        try check(code, "bind")
    }

    private func set<Value>(_ option: CInt, _ value: inout Value) throws(TableFailure) {
        try check(withUnsafePointer(to: value) { ldap_set_option(handle, option, $0) }, "option \(option)")
    }

    private func check(_ code: CInt, _ what: String) throws(TableFailure) {
        guard code != LDAP_SUCCESS else { return }
        var detail: UnsafeMutablePointer<CChar>?
        ldap_get_option(handle, LDAP_OPT_DIAGNOSTIC_MESSAGE, &detail)
        defer { ldap_memfree(detail) }
        let text = detail.map { String(cString: $0) } ?? ""
        throw TableFailure("\(what): \(Self.words(code))\(text.isEmpty ? "" : " (\(text))")")
    }

    private static func words(_ code: CInt) -> String { String(cString: ldap_err2string(code)) }

    // MARK: Searching

    func find(_ questions: [ProgramQuestion]) throws(TableFailure) -> [TableFinding] {
        var findings = [TableFinding?](repeating: nil, count: questions.count)
        var open: [CInt: (place: Int, search: LDAPEngine.Search)] = [:]
        for (place, question) in questions.enumerated() {
            guard case .key(let service, let key) = question, let search = searches[service] else {
                findings[place] = .failure(TableFailure("there is no filter for that"))
                continue
            }
            switch try begin(search, key) {
            case .success(let number): open[number] = (place, search)
            case .failure(let failure): findings[place] = .failure(failure)
            }
        }
        let deadline = TableClock.now() + .seconds(login.answering)
        while !open.isEmpty {
            let message = try next(until: deadline)
            defer { ldap_msgfree(message) }
            // What nobody asked for, such as a notice that the server ends, is followed by the end itself.
            guard let (place, search) = open.removeValue(forKey: ldap_msgid(message)) else { continue }
            findings[place] = try finding(in: message, search, questions[place].service)
        }
        // Every place was filled: before the wait, or by the result of its search.
        return findings.map { $0 ?? .failure(TableFailure("no answer")) }
    }

    private func begin(_ search: LDAPEngine.Search, _ key: [UInt8]) throws(TableFailure) -> Result<CInt, TableFailure> {
        var attributes = search.attributes.map { strdup($0) } + [nil]
        defer { attributes.forEach { free($0) } }
        var patience = timeval(tv_sec: login.answering, tv_usec: 0)
        var number: CInt = 0
        let code = ldap_search_ext(
            handle, login.base, ber_int_t(LDAP_SCOPE_SUBTREE), search.filter.filter(for: key, table: table), &attributes, 0, nil, nil,
            &patience, CInt(TableLimits.rows), &number)
        switch code {
        case LDAP_SUCCESS: return .success(number)
        case LDAP_FILTER_ERROR, LDAP_PARAM_ERROR, LDAP_ENCODING_ERROR: return .failure(TableFailure(Self.words(code)))
        default: throw TableFailure("\(login.servers): \(Self.words(code))")
        }
    }

    /// All messages of the next search that is complete, for the caller to free.
    private func next(until deadline: Duration) throws(TableFailure) -> OpaquePointer {
        let left = deadline - TableClock.now()
        guard left > .zero else { throw TableFailure("\(login.servers): no answer in \(login.answering) seconds") }
        var patience = timeval(
            tv_sec: Int(left.components.seconds), tv_usec: Int(left.components.attoseconds / 1_000_000_000_000))
        var message: OpaquePointer?
        switch ldap_result(handle, CInt(LDAP_RES_ANY), CInt(LDAP_MSG_ALL), &patience, &message) {
        case 0: throw TableFailure("\(login.servers): no answer in \(login.answering) seconds")
        case -1:
            var code: CInt = 0
            ldap_get_option(handle, LDAP_OPT_RESULT_CODE, &code)
            throw TableFailure("\(login.servers): \(Self.words(code))")
        default:
            guard let message else { throw TableFailure("\(login.servers): a result without a message") }
            return message
        }
    }

    private func finding(
        in message: OpaquePointer, _ search: LDAPEngine.Search, _ service: TableService
    ) throws(TableFailure) -> TableFinding {
        var code: CInt = 0
        let parsed = ldap_parse_result(handle, message, &code, nil, nil, nil, nil, 0)
        guard parsed == LDAP_SUCCESS else { throw TableFailure("\(login.servers): \(Self.words(parsed))") }
        switch code {
        case LDAP_SUCCESS: break
        // No such base: nothing can be below it.
        case LDAP_NO_SUCH_OBJECT: return .failure(TableFailure("basedn \(login.base): \(Self.words(code))"))
        case LDAP_BUSY, LDAP_UNAVAILABLE, LDAP_UNWILLING_TO_PERFORM: throw TableFailure("\(login.servers): \(Self.words(code))")
        default: return .failure(TableFailure(Self.words(code)))
        }
        var rows: [TableRow] = []
        var entry = ldap_first_entry(handle, message)
        while let current = entry {
            if service.joinsRows {
                rows += values(of: search.attributes[0], in: current).map { [$0] }
            } else {
                // The last entry counts, and the first value of each attribute.
                rows = [search.attributes.map { values(of: $0, in: current).first }]
            }
            guard rows.count <= TableLimits.rows else { return .failure(TableFailure("more than \(TableLimits.rows) values")) }
            entry = ldap_next_entry(handle, current)
        }
        return .success(rows)
    }

    private func values(of attribute: String, in entry: OpaquePointer) -> [[UInt8]] {
        guard let list = ldap_get_values_len(handle, entry, attribute) else { return [] }
        defer { ldap_value_free_len(list) }
        return (0..<Int(ldap_count_values_len(list))).compactMap { number in
            list[number].map { value in
                UnsafeBufferPointer(start: value.pointee.bv_val, count: Int(value.pointee.bv_len)).map { UInt8(bitPattern: $0) }
            }
        }
    }
}
#endif
