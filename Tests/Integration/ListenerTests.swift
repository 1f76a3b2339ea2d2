import Glibc
import Platform
import ServerTesting
import Testing

extension RealProcesses {
    /// Every option of `listen on` that can be watched on a loopback address, in both languages. Ports below 1024, real
    /// interfaces and clients that are not this machine are in the tests of a daemon that root has started.
    @Suite("Options of listeners (smtpd.conf(5))") struct ListenerTests {
        /// A server with several listeners, each on a port of its own.
        private struct Setting {
            let server: Server
            let ports: [String: UInt16]

            func port(_ name: String) throws -> UInt16 { try #require(ports[name]) }
            func client(_ name: String) throws -> SMTPClient { try SMTPClient(port: try port(name)) }

            /// Says something through `openssl s_client`.
            func secure(_ name: String, _ options: [String] = [], _ text: String = "QUIT\n") throws -> Programs.Run {
                try openssl(
                    ["s_client", "-connect", "127.0.0.1:\(try port(name))", "-crlf", "-CAfile",
                     try TestCertificates.shared.get().path("authority.pem")] + options, input: text, failing: true)
            }
        }

        private static func pairs(_ word: String) throws -> String {
            let certificates = try TestCertificates.shared.get()
            return ["mail", "other"].map {
                "pki \($0) \(word) \"\(certificates.path("\($0).pem"))\"\npki \($0) key \"\(certificates.path("\($0).key"))\"\n"
            }.joined() + "ca clients \(word) \"\(certificates.path("authority.pem"))\"\n"
        }

        /// - Parameters:
        ///   - listeners: Names of listeners, and what stands after their port.
        ///   - rules: Statements behind them.
        private func setting(
            _ statements: String, _ listeners: [(name: String, options: String)], address: String = "127.0.0.1", rules: String
        ) throws -> Setting {
            var ports: [String: UInt16] = [:]
            for listener in listeners { ports[listener.name] = try Server.freePort() }
            let lines = listeners.map { "listen on \(address) port \(ports[$0.name] ?? 0) \($0.options)\n" }.joined()
            let user = OrdinaryUser.current
            let server = try Server {
                "table users { alice = \"\(user.uid):\(user.gid):\($0.scratch.path)/home/alice\" }\n" + statements + lines + rules
            }
            try server.scratch.makeDirectory("home")
            try server.scratch.makeDirectory("home/alice", mode: 0o700)
            return Setting(server: server, ports: ports)
        }

        private static let letter = "Subject: x\r\n\r\nx\r\n"

        @Test func `7: names, notifications, tags and the source, each as its listener says`() async throws {
            let setting = try setting(
                "table names { \"127.0.0.1\" = \"by-address.example\", \"127.0.0.2\" = \"other.example\" }\n",
                [
                    ("plain", "hostname \"fixed.example\""), ("table", "hostnames <names>"),
                    ("both", "hostname \"fixed.example\" hostnames { \"127.0.0.9\" = \"nobody.example\" }"),
                    ("masked", "mask-src"), ("silent", "no-dsn"), ("tagged", "tag MARKED"),
                ],
                rules: """
                    action deliver maildir userbase <users>
                    match tag MARKED from any for domain "only.example" action deliver
                    match from any for domain "test.example" action deliver

                    """)
            let server = setting.server
            try await server.start()
            for (name, host) in [("plain", "fixed.example"), ("table", "by-address.example"), ("both", "fixed.example")] {
                let client = try setting.client(name)
                #expect(try client.reply().text == "220 \(host) ESMTP Martlet")
                #expect(try client.command("EHLO x.example").lines[0].hasPrefix("250-\(host) Hello x.example "))
            }
            #expect(try setting.client("plain").greet().lines.contains("250-DSN"))
            let silent = try setting.client("silent")
            #expect(try !silent.greet().lines.contains("250-DSN"))
            try silent.command("MAIL FROM:<a@x.example>")
            #expect(try silent.command("RCPT TO:<alice@test.example> NOTIFY=NEVER").code == 555)

            for (name, code) in [("tagged", 250), ("plain", 550)] {
                let client = try setting.client(name)
                try client.greet()
                try client.command("MAIL FROM:<a@x.example>")
                #expect(try client.command("RCPT TO:<alice@only.example>").code == code, "\(name)")
            }
            let masked = try setting.client("masked")
            try masked.greet()
            #expect(try masked.deliver(from: "a@x.example", to: ["alice@test.example"], Self.letter).code == 250)
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
            let mail = server.mail(of: "alice")[0]
            #expect(mail.contains("Received: by ") && !mail.contains("127.0.0.1"), "\(mail)")
        }

        @Test func `7: TLS in every mode, with certificates, protocols and ciphers of the listener`() async throws {
            let certificates = try TestCertificates.shared.get()
            let setting = try setting(
                try Self.pairs("cert"),
                [
                    ("tls", "tls pki mail"), ("require", "tls-require pki mail"), ("verify", "tls-require verify pki mail ca clients"),
                    ("smtps", "smtps pki mail pki other"), ("smtps-verify", "smtps verify pki mail ca clients"),
                    ("old", "smtps pki mail protocols \"tlsv1.2\""), ("new", "smtps pki mail protocols \"all,!tlsv1.2\""),
                    ("cipher", "smtps pki mail protocols \"tlsv1.2\" ciphers \"ECDHE-RSA-AES128-GCM-SHA256\""),
                    ("proxied", "smtps pki mail proxy-v2"), ("asked", "tls pki mail ca clients"),
                ],
                rules: "action deliver maildir userbase <users>\nmatch from any for domain \"test.example\" action deliver\n")
            let server = setting.server
            try await server.start()

            for (name, code) in [("tls", 250), ("require", 530), ("verify", 530), ("asked", 250)] {
                let client = try setting.client(name)
                #expect(try client.greet().lines.contains("250-STARTTLS"))
                #expect(try client.command("MAIL FROM:<a@x.example>").code == code, "\(name)")
            }
            let starttls = ["-starttls", "smtp"]
            let person = ["-cert", certificates.path("client.pem"), "-key", certificates.path("client.key")]
            #expect(try setting.secure("require", starttls).output.contains("Verify return code: 0 (ok)"))
            #expect(try !setting.secure("verify", starttls + ["-ign_eof"]).output.contains("221 2.0.0"))
            #expect(try setting.secure("verify", starttls + person + ["-ign_eof"]).output.contains("221 2.0.0"))
            #expect(try setting.secure("asked", starttls + ["-ign_eof"]).output.contains("221 2.0.0"))
            #expect(try !setting.secure("smtps-verify", ["-ign_eof"]).output.contains("221 2.0.0"))
            #expect(try setting.secure("smtps-verify", person + ["-ign_eof"]).output.contains("221 2.0.0"))
            // Conformance: RFC 6066 section 3 | a certificate chosen by the name the client asks for, wildcards too
            for (asked, subject) in [("mail.example.org", "mail.example.org"), ("a.example.net", "other"), ("nobody.example", "mail.example.org")] {
                let run = try setting.secure("smtps", ["-servername", asked])
                #expect(run.lines.contains { $0.hasPrefix("subject=") && $0.hasSuffix(subject) }, "\(asked) \(run.output)")
            }
            // Conformance: RFC 9325 section 3.1 | TLS 1.2 and 1.3, nothing older
            for (name, option, isWelcome) in [
                ("old", "-tls1_2", true), ("old", "-tls1_3", false), ("new", "-tls1_3", true), ("new", "-tls1_2", false),
                ("smtps", "-tls1_2", true), ("smtps", "-tls1_3", true), ("smtps", "-tls1_1", false), ("smtps", "-tls1", false),
            ] {
                let run = try setting.secure(name, [option, "-ign_eof", "-cipher", "DEFAULT@SECLEVEL=0"])
                #expect(run.output.contains("221 2.0.0") == isWelcome, "\(name) \(option) \(run)")
            }
            #expect(try setting.secure("cipher").output.contains("ECDHE-RSA-AES128-GCM-SHA256"))
            // No cipher without forward secrecy, and none that is broken.
            for cipher in ["AES128-GCM-SHA256", "AES256-SHA", "NULL-SHA256", "ADH-AES128-SHA256"] {
                let run = try setting.secure("smtps", ["-tls1_2", "-cipher", "\(cipher):@SECLEVEL=0"])
                #expect(!run.output.contains("220 "), "\(cipher) \(run)")
            }
            // A header of the proxy, then TLS; without it, nothing.
            #expect(try !setting.secure("proxied").output.contains("220 "))
            try await server.eventually("the log") { server.log.contains("reason=\"no PROXY header\"") }
        }

        /// A certificate that another one vouches for, which the authority vouches for; both in one file, and the key.
        private func chain(in scratch: Scratch) throws -> String {
            let certificates = try TestCertificates.shared.get()
            let place = scratch.path
            try scratch.write("extension", "basicConstraints=critical,CA:TRUE\n")
            for (name, by, more) in [
                ("middle", certificates.path("authority"), " -extfile \(place)/extension"), ("leaf", place + "/middle", ""),
            ] {
                try openssl(
                    "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=\(name) -keyout \(place)/\(name).key -out \(place)/\(name).request")
                try openssl("x509 -req -in \(place)/\(name).request -CA \(by).pem -CAkey \(by).key -set_serial 77 -days 30 -out \(place)/\(name).pem\(more)")
            }
            try scratch.write("chain.pem", try #require(scratch.text("leaf.pem")) + (try #require(scratch.text("middle.pem"))))
            try scratch.write("chain.key", try #require(scratch.text("leaf.key")), mode: 0o600)
            return place + "/chain"
        }

        @Test(arguments: [false, true])
        func `chains are shown whole, and finite fields where the pair allows them`(_ isOlder: Bool) async throws {
            let scratch = try Scratch()
            let stem = try chain(in: scratch)
            let word = isOlder ? "certificate" : "cert"
            let rules = isOlder
                ? "accept from any for domain \"test.example\" userbase <users> deliver to maildir\n"
                : "action deliver maildir userbase <users>\nmatch from any for domain \"test.example\" action deliver\n"
            let setting = try setting(
                try Self.pairs(word) + "pki whole \(word) \"\(stem).pem\"\npki whole key \"\(stem).key\"\npki mail dhe auto\n",
                [("chain", "smtps pki whole"), ("fields", "smtps pki mail"), ("curves", "smtps pki other")], rules: rules)
            try await setting.server.start()
            #expect(try setting.secure("chain").output.contains("Verify return code: 0 (ok)"), "\(setting.server.log)")
            let old = ["-tls1_2", "-ign_eof", "-cipher", "DHE-RSA-AES256-GCM-SHA384"]
            #expect(try setting.secure("fields", old).output.contains("221 2.0.0"))
            #expect(try !setting.secure("chain", old).output.contains("221 2.0.0"))
        }

        @Test func `5.4: the same options by their older names`() async throws {
            let certificates = try TestCertificates.shared.get()
            let setting = try setting(
                try Self.pairs("certificate") + "table names { \"127.0.0.1\" = \"by-address.example\" }\n"
                    + "table plain { ada = \"{PLAIN}secret\" }\n",
                [
                    ("plain", "hostname \"fixed.example\" tag MARKED"), ("table", "hostnames <names> mask-source"),
                    ("tls", "tls pki mail auth-optional <plain>"), ("require", "tls-require pki mail"),
                    ("verify", "tls-require verify pki mail ca clients"), ("smtps", "smtps pki mail auth <plain>"),
                    ("smtps-verify", "smtps verify pki mail ca clients"),
                ],
                rules: """
                    accept tagged MARKED from any for domain "only.example" userbase <users> deliver to maildir
                    accept from any for domain "test.example" userbase <users> deliver to maildir

                    """)
            let server = setting.server
            try await server.start()
            #expect(try setting.client("plain").reply().text == "220 fixed.example ESMTP Martlet")
            #expect(try setting.client("table").reply().text == "220 by-address.example ESMTP Martlet")
            for (name, code) in [("plain", 250), ("table", 550)] {
                let client = try setting.client(name)
                try client.greet()
                try client.command("MAIL FROM:<a@x.example>")
                #expect(try client.command("RCPT TO:<alice@only.example>").code == code, "\(name)")
            }
            for (name, code) in [("tls", 250), ("require", 530), ("verify", 530)] {
                let client = try setting.client(name)
                #expect(try client.greet().lines.contains("250-STARTTLS"))
                #expect(try client.command("MAIL FROM:<a@x.example>").code == code, "\(name)")
            }
            let person = ["-cert", certificates.path("client.pem"), "-key", certificates.path("client.key"), "-ign_eof"]
            for (name, options) in [("verify", ["-starttls", "smtp"]), ("smtps-verify", [])] {
                #expect(try !setting.secure(name, options + ["-ign_eof"]).output.contains("221 2.0.0"))
                #expect(try setting.secure(name, options + person).output.contains("221 2.0.0"))
            }
            let secured = try setting.secure(
                "smtps", ["-quiet"], "EHLO x.example\nMAIL FROM:<a@x.example>\nAUTH PLAIN AGFkYQBzZWNyZXQ=\nMAIL FROM:<a@x.example>\nQUIT\n")
            #expect(secured.output.contains("530 5.7.0 Must issue an AUTH"), "\(secured)")
            #expect(secured.output.contains("235 2.") && secured.output.contains("250 2.0.0 Ok"), "\(secured)")
            let masked = try setting.client("table")
            try masked.greet()
            #expect(try masked.deliver(from: "a@x.example", to: ["alice@test.example"], Self.letter).code == 250)
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
            #expect(!server.mail(of: "alice")[0].contains("127.0.0.1"))
        }

        @Test func `an interface, a host name and families stand for their addresses`() async throws {
            let inside = try setting(
                "", [("interface", "hostname \"lo.example\" inet4")], address: "lo",
                rules: "action deliver maildir userbase <users>\nmatch from any for domain \"test.example\" action deliver\n")
            try await inside.server.start()
            #expect(try inside.client("interface").reply().text == "220 lo.example ESMTP Martlet")
            #expect(try await inside.server.stop() == .exited(0))
            let named = try setting(
                "", [("name", "hostname \"named.example\" inet4")], address: "localhost",
                rules: "action deliver maildir userbase <users>\nmatch from any for domain \"test.example\" action deliver\n")
            try await named.server.start()
            #expect(try named.client("name").reply().text == "220 named.example ESMTP Martlet")
        }
    }
}
