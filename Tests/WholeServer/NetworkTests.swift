import Glibc
import Platform
import ServerTesting
import Testing

extension WholeServer {
    /// A machine with a network of its own: an interface with a default route, and somebody at the other end who is not
    /// this machine.
    @Suite("Listeners on real interfaces and ports", .enabled(if: PrivilegedServer.isPossible, "needs root and namespaces"))
    struct NetworkTests {
        private static let address = "192.0.2.1"

        private static let preparation = [
            "ip link set lo up",
            "ip link add mxwan type veth peer name mxout",
            // Somebody outside: a process in a network of its own, which no shell waits for.
            "(unshare -n sleep 300 & echo $! >@DIR@/outside)",
            "outside=$(cat @DIR@/outside)",
            "while [ \"$(readlink /proc/$outside/ns/net)\" = \"$(readlink /proc/self/ns/net)\" ]; do sleep 0.02; done",
            "ip link set mxout netns $outside",
            "ip addr add \(address)/24 dev mxwan", "ip addr add 2001:db8::1/64 dev mxwan nodad", "ip link set mxwan group 77 up",
            "nsenter -t $outside -n ip addr add 192.0.2.9/24 dev mxout",
            "nsenter -t $outside -n ip addr add 2001:db8::9/64 dev mxout nodad", "nsenter -t $outside -n ip link set mxout up",
            "ip route add default via 192.0.2.9",
            // /sys shows the network of whoever mounted it.
            "mount -t sysfs sysfs /sys",
            "for place in /etc/iproute2 /usr/share/iproute2; do",
            "    if [ -d $place ]; then mount -t tmpfs tmpfs $place; echo 77 uplinks >$place/group; fi",
            "done",
        ]

        private func server(_ configuration: String) throws -> PrivilegedServer {
            let server = try PrivilegedServer(preparation: Self.preparation, hasNetwork: true)
            try server.copyCertificate("mail")
            try server.configure(configuration)
            return server
        }

        /// Runs a program as a client that is not this machine.
        private func outside(_ server: PrivilegedServer, _ program: String, _ words: [String], input: String = "") throws -> Programs.Run {
            let process = try #require(server.scratch.text("outside")).filter(\.isNumber)
            return try Programs.run("/usr/bin/nsenter", ["-t", process, "-n", program] + words, input: input, environment: [], identity: nil)
        }

        private func leave(_ server: PrivilegedServer) {
            // It is a child of init by now, and ends by itself if this fails.
            if let process = server.scratch.text("outside").flatMap({ pid_t($0.filter(\.isNumber)) }) { kill(process, SIGKILL) }
        }

        /// The reply to RCPT, or to whatever was refused before.
        private func swaks(
            _ server: PrivilegedServer, _ recipient: String, port: UInt16 = 25, host: String = address, _ words: [String] = []
        ) throws -> String {
            let run = try outside(
                server, "/usr/bin/swaks",
                ["--server", host, "--port", "\(port)", "--from", "ada@client.example", "--to", recipient, "--quit-after", "RCPT"] + words)
            let reply = run.lines.last { $0.hasPrefix("<") && !$0.contains(" 221 ") } ?? run.output + run.error
            return String(reply.drop { !$0.isNumber })
        }

        /// Whether curl can send to the address of the other family.
        private func sends(_ server: PrivilegedServer, _ scheme: String, port: UInt16, _ words: [String] = []) throws -> Bool {
            let run = try outside(
                server, "/usr/bin/curl",
                ["--silent", "--show-error", "--insecure", "--url", "\(scheme)://[2001:db8::1]:\(port)/x.example", "--mail-from", "a@x.example",
                 "--mail-rcpt", "mxann@maildir.example", "--upload-file", "-"] + words, input: "Subject: six\r\n\r\nx\r\n")
            return run.code == 0
        }

        private static let login = ["--auth", "PLAIN", "--auth-user", "ada", "--auth-password", "secret"]

        @Test func `5.4: secure is both ports, egress and groups are their interfaces, and who logged in is local`() async throws {
            let server = try server(
                """
                pki mail certificate "@DIR@/mail.pem"
                pki mail key "@DIR@/mail.key"
                table plain { ada = "{PLAIN}secret" }
                listen on egress secure pki mail auth-optional <plain> hostname "egress.example"
                listen on uplinks inet4 port submission tls-require pki mail auth <plain> hostname "group.example" tag SUB
                listen on lo0 inet4 port smtp hostname "inside.example"
                accept tagged SUB from any for domain "tagged.example" deliver to maildir
                accept from any for domain "maildir.example" deliver to maildir
                accept from local for domain "mbox.example" deliver to mbox

                """)
            defer { leave(server) }
            try await server.start()
            let (open, inner) = ("mxann@maildir.example", "mxann@mbox.example")
            // STARTTLS on 25, in both families, TLS on 465.
            #expect(try swaks(server, open).hasPrefix("250 "), "\(server.log)")
            #expect(try swaks(server, open, ["--tls"]).hasPrefix("250 "))
            #expect(try sends(server, "smtp", port: 25, ["--ssl-reqd"]))
            #expect(try swaks(server, open, port: 465, ["--tls-on-connect"]).hasPrefix("250 "))
            let certificate = try outside(
                server, "/usr/bin/openssl",
                ["s_client", "-connect", "\(Self.address):465", "-crlf", "-CAfile", try TestCertificates.shared.get().path("authority.pem")],
                input: "QUIT\n")
            #expect(certificate.output.contains("Verify return code: 0 (ok)"), "\(certificate)")
            // A stranger is not local; who logged in is, on either port.
            #expect(try swaks(server, inner, ["--tls"]).hasPrefix("550 "))
            #expect(try swaks(server, inner, ["--tls"] + Self.login).hasPrefix("250 "))
            #expect(try swaks(server, inner, port: 465, ["--tls-on-connect"] + Self.login).hasPrefix("250 "))
            // The group's listener, by the name of its service's port.
            #expect(try swaks(server, open, port: 587).hasPrefix("530 "))
            #expect(try swaks(server, open, port: 587, ["--tls"]).hasPrefix("530 "))
            #expect(try swaks(server, "mxann@tagged.example", port: 587, ["--tls"] + Self.login).hasPrefix("250 "))
            #expect(try swaks(server, "mxann@tagged.example", port: 465, ["--tls-on-connect"] + Self.login).hasPrefix("550 "))
            // Nobody else is served by these: the loopback interface has its own.
            let within = try #require(server.process)
            func inside(_ port: Int) throws -> Programs.Run {
                try Programs.run(
                    "/usr/bin/nsenter", ["-t", "\(within)", "-n", "/usr/bin/swaks", "--server", "127.0.0.1", "--port", "\(port)", "--quit-after", "CONNECT"],
                    environment: [], identity: nil)
            }
            #expect(try inside(25).output.contains("220 inside.example"))
            #expect(try inside(465).code != 0)
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `7: ports by name, groups, and who logged in is not local`() async throws {
            let server = try server(
                """
                pki mail cert "@DIR@/mail.pem"
                pki mail key "@DIR@/mail.key"
                table plain { ada = "{PLAIN}secret" }
                listen on egress tls pki mail auth-optional <plain> hostname "egress.example"
                listen on uplinks inet6 port submissions smtps pki mail auth <plain> hostname "group.example"
                listen on all port 2525 hostname "all.example"
                action "maildir" maildir
                match from any for domain "maildir.example" action "maildir"
                match from local for domain "mbox.example" action "maildir"
                match from auth for domain "auth.example" action "maildir"

                """)
            defer { leave(server) }
            try await server.start()
            let (open, inner) = ("mxann@maildir.example", "mxann@mbox.example")
            #expect(try swaks(server, open, ["--tls"]).hasPrefix("250 "), "\(server.log)")
            #expect(try swaks(server, inner, ["--tls"] + Self.login).hasPrefix("550 "))
            #expect(try swaks(server, "mxann@auth.example", ["--tls"] + Self.login).hasPrefix("250 "))
            #expect(try swaks(server, "mxann@auth.example", ["--tls"]).hasPrefix("550 "))
            #expect(try sends(server, "smtps", port: 465, ["--user", "ada:secret"]))
            // inet6 alone.
            #expect(try !swaks(server, open, port: 465, ["--tls-on-connect"] + Self.login).hasPrefix("250 "))
            #expect(try swaks(server, open, port: 2525).hasPrefix("250 "))
            #expect(try sends(server, "smtp", port: 2525))
            #expect(try await server.stop() == .exited(0))
        }
    }
}
