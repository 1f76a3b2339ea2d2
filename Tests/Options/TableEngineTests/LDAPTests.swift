import Glibc
import Platform
import ServerTesting
import Testing

/// OpenLDAP on a Unix socket and, with STARTTLS, on the loopback.
private final class LDAPServer: DatabaseServer {
    let port: UInt16
    var url: String { "ldapi://" + "\(scratch.path)/ldap.sock".replacing("/", with: "%2F") }

    override init() throws {
        port = try Server.freePort()
        try super.init()
        let certificates = try TestCertificates.shared.get()
        for name in ["mail.pem", "mail.key", "authority.pem"] {
            try scratch.write(name, String(decoding: try Files.read(certificates.path(name)), as: UTF8.self), mode: 0o600)
        }
        try scratch.makeDirectory("data")
        try scratch.write("slapd.conf", """
            include /etc/ldap/schema/core.schema
            include /etc/ldap/schema/cosine.schema
            include /etc/ldap/schema/nis.schema
            include /etc/ldap/schema/inetorgperson.schema
            modulepath /usr/lib/ldap
            moduleload back_mdb
            TLSCACertificateFile \(scratch.path)/authority.pem
            TLSCertificateFile \(scratch.path)/mail.pem
            TLSCertificateKeyFile \(scratch.path)/mail.key
            database mdb
            suffix dc=example,dc=org
            rootdn cn=admin,dc=example,dc=org
            rootpw secret
            directory \(scratch.path)/data
            dbnosync
            access to * by dn.exact=cn=admin,dc=example,dc=org write by * none

            """)
        try run(["/usr/sbin/slapadd", "-f", "\(scratch.path)/slapd.conf"], input: """
            dn: dc=example,dc=org
            objectClass: domain
            dc: example

            dn: uid=ada,dc=example,dc=org
            objectClass: inetOrgPerson
            objectClass: posixAccount
            uid: ada
            cn: Ada
            sn: Lovelace
            uidNumber: 1000
            gidNumber: 100
            homeDirectory: /home/ada
            userPassword: $6$salt$hash:x
            mail: bob
            mail: carl

            dn: uid=bare,dc=example,dc=org
            objectClass: inetOrgPerson
            uid: bare
            cn: Bare
            sn: Bare
            description:: YQpi

            """)
    }

    override func command() -> [String] {
        ["/usr/sbin/slapd", "-d", "0", "-f", "\(scratch.path)/slapd.conf", "-h", "\(url) ldap://127.0.0.1:\(port)/"]
    }

    override func probe() throws {
        guard try Files.status("\(scratch.path)/ldap.sock") != nil else { throw ServerFailure("not yet") }
        _ = try ConnectingSocket(to: .local(path: "\(scratch.path)/ldap.sock"))
    }
}

extension TableEngines {
    @Suite("table-ldap") struct LDAPTests {
        @Test func `answers, and survives restarts in the middle of lookups`() async throws {
            let server = try LDAPServer()
            try await server.start()
            let login = "username cn=admin,dc=example,dc=org\npassword secret\nbasedn dc=example,dc=org\n"
            let searches = """
                alias_filter (&(objectClass=inetOrgPerson)(uid=%u))
                alias_attributes mail
                userinfo_filter (&(objectClass=inetOrgPerson)(uid=%s))
                userinfo_attributes uid,uidNumber,gidNumber,homeDirectory
                credentials_filter (uid=%u)
                credentials_attributes uid, userPassword
                domain_filter (&(objectClass=domain)(dc=%u))
                domain_attributes dc
                mailaddr_filter (&(uid=%u)(sn=%h))
                mailaddr_attributes uid
                string_filter (uid=%u)
                string_attributes description
                netaddr_filter (uid=%u
                netaddr_attributes uid

                """
            // Nobody listens at the first of the two.
            let configuration = "url ldap://127.0.0.1:1 \(server.url)\n" + login + searches
            let program = try RunningProgram("table-ldap", configuration)
            #expect(program.services == ["alias", "domain", "credentials", "netaddr", "userinfo", "mailaddr", "string"])
            #expect(try program.ask([
                "lookup|alias|ada", "lookup|alias|nobody", "lookup|alias|*", "lookup|alias|ada)(cn=*", "lookup|alias|bare",
                "lookup|userinfo|ada", "lookup|credentials|ada", "check|domain|example", "check|domain|com", "check|mailaddr|ada",
            ]) == [
                "found|bob, carl", "not-found", "not-found", "not-found", "not-found",
                "found|1000:100:/home/ada", "found|ada:$6$salt$hash:x", "found", "not-found", "not-found",
            ])
            for request in ["lookup|userinfo|bare", "lookup|string|bare", "check|netaddr|x"] {
                #expect(try program.ask(request).hasPrefix("error|"))
            }
            #expect(try program.end() == .exited(0))

            let wrong = try RunningProgram("table-ldap", configuration.replacing("password secret", with: "password x"))
            #expect(try wrong.ask("lookup|alias|ada").contains("Invalid credentials"))

            let certificates = try TestCertificates.shared.get()
            for (authority, isGood) in [("authority", true), ("stranger", false)] {
                let secured = try RunningProgram(
                    "table-ldap",
                    "url ldap://127.0.0.1:\(server.port)\nstarttls yes\ntls_ca \(certificates.path("\(authority).pem"))\n" + login + searches)
                let answer = try secured.ask("lookup|alias|ada")
                #expect(isGood ? answer == "found|bob, carl" : answer.contains("starttls"), "\(answer)")
            }

            try await expectSurvival(try RunningProgram("table-ldap", configuration), of: server, "lookup|alias|ada", "found|bob, carl")
        }
    }
}
