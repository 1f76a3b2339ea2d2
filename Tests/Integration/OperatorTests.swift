import Glibc
import Platform
import ServerTesting
import Testing

extension RealProcesses {
    @Suite("What operators see and order") struct OperatorTests {
        /// A server that relays to where nobody listens, and delivers nothing locally, with four envelopes.
        private func serverWithMail(more: String = "") async throws -> Server {
            let server = try Server.standard(
                more: more + "\naction \"out\" relay host smtp://127.0.0.1:1\nmatch from any for domain { \"a.example\", \"b.example\" } action \"out\"")
            try await server.start(["-P", "mda"])
            let client = try server.client()
            try client.greet()
            #expect(try client.deliver(from: "ada@client.example", to: ["x@a.example", "y@b.example", "alice@test.example"], "Subject: 1\r\n\r\nx").code == 250)
            #expect(try client.deliver(from: "eve@other.example", to: ["bob@test.example"], "Subject: 2\r\n\r\nx").code == 250)
            try await server.eventually("two failures") { try server.queue().filter { $0.tries > 0 }.count == 2 }
            return server
        }

        @Test func `filters choose the envelopes that are shown, paused, scheduled and removed`() async throws {
            let server = try await serverWithMail()
            func recipients(_ words: String...) throws -> Set<String> {
                let run = try server.control(["show", "queue"] + words)
                #expect(run.code == 0, "\(run.error)")
                return Set(run.lines.map { $0.split(separator: "|", omittingEmptySubsequences: false).map(String.init)[5] })
            }
            #expect(try recipients("from=ADA@*") == ["x@a.example", "y@b.example", "alice@test.example"])
            #expect(try recipients("from=ada@client.example", "domain=*.example", "kind=mta") == ["x@a.example", "y@b.example"])
            #expect(try recipients("to=bob@*") == ["bob@test.example"])
            #expect(try recipients("state=deferred") == ["x@a.example", "y@b.example"])
            #expect(try recipients("state=pending").count == 4)
            #expect(try recipients("state=inflight,held,paused").isEmpty)
            #expect(try recipients("older=1h").isEmpty && recipients("newer=1h").count == 4)
            let first = try #require(try server.queue().first)
            #expect(try recipients("id=\(first.envelope.prefix(6))").contains(first.recipient))
            #expect(try server.control("pause", "envelope", "domain=b.example").output == "1 envelope paused\n")
            #expect(try recipients("state=paused") == ["y@b.example"])
            #expect(try server.control("resume", "envelope", "state=paused").output == "1 envelope resumed\n")
            #expect(try server.control("schedule", "domain=a.example").output == "1 envelope scheduled\n")
            #expect(try server.control("remove", "from=eve@*", "older=1d").output == "0 envelopes removed\n")
            #expect(try server.control("remove", "kind=mta").output == "2 envelopes removed\n")
            try await server.eventually("less mail") { try server.queue().count == 2 }
            for words in [["show", "queue", "size=3"], ["remove", "from=a", "from=b"], ["remove", "state=gone"]] {
                let run = try server.control(words)
                #expect(run.code == 1 && !run.error.isEmpty && run.output.isEmpty)
            }
        }

        @Test func `a filter reads over a queue of many pages`() async throws {
            let server = try Server.standard()
            try await server.start(["-P", "mda"])
            let client = try server.client()
            try client.greet()
            for part in 0..<6 {
                let recipients = (0..<500).map { "alice+\(part)x\($0)@test.example" }
                #expect(try client.deliver(from: "ada@client.example", to: recipients, "Subject: many\r\n\r\nx").code == 250)
            }
            #expect(try server.control("show", "queue", "to=alice+*7@*").lines.count == 300)
            #expect(try server.control("remove", "to=alice+3x*").output == "500 envelopes removed\n")
            #expect(try server.control("show", "queue", "to=alice+3x*").output.isEmpty)
            #expect(try server.control("remove", "older=0").output == "2500 envelopes removed\n")
        }

        @Test func `relays, routes and hosts are listed, resumed and paused`() async throws {
            let server = try await serverWithMail()
            let routes = try server.control("show", "routes")
            #expect(routes.lines.count == 1 && routes.output.hasPrefix("1. [] <-> 127.0.0.1 (127.0.0.1) NDQ- nconn=0 nerror=1 penalty=1 timeout="), "\(routes.output)")
            #expect(try server.control("show", "hosts").output.hasPrefix("127.0.0.1 127.0.0.1 refcount=1 nconn=0 lastconn="))
            #expect(try server.control("show", "relays").lines.first?.hasPrefix("[relay:127.0.0.1,port=1,smtp,mx] refcount=") == true)
            let stats = try server.control("show", "hoststats").output
            #expect(stats.hasPrefix("127.0.0.1|") && stats.contains("refused"), "\(stats)")
            #expect(try server.control("resume", "route", "1").output == "command succeeded\n")
            // What waited for it is tried at once.
            try await server.eventually("another try") { try server.queue().contains { $0.tries > 1 } }
            #expect(try server.control("resume", "route", "77").code == 1)

            #expect(try server.control("show", "mta", "paused").output.isEmpty)
            #expect(try server.control("pause", "mta", "from", "*", "for", "127.0.0.1").code == 0)
            #expect(try server.control("pause", "mta", "from", "*", "for", "127.0.0.1").error == "command failed: already paused\n")
            #expect(try server.control("pause", "mta", "from", "192.0.2.1", "for", "A.example").code == 0)
            #expect(try server.control("show", "mta", "paused").output == "* -> 127.0.0.1\n192.0.2.1 -> a.example\n")
            #expect(try server.control("schedule", "all").code == 0)
            try await server.eventually("the reason") { server.log.contains("Relaying to this destination is paused") }
            #expect(try server.control("resume", "mta", "from", "*", "for", "127.0.0.1").code == 0)
            #expect(try server.control("resume", "mta", "from", "*", "for", "127.0.0.1").code == 1)
        }

        @Test func `with --json every answer is JSON`() async throws {
            let server = try await serverWithMail()
            let envelope = try #require(try server.queue().first?.envelope)
            let commands = [
                "show queue", "show queue state=deferred", "show hosts", "show hoststats", "show relays", "show routes", "show mta paused", "show stats",
                "show status", "show envelope \(envelope)", "show message \(envelope)", "pause mda", "resume mda", "pause envelope all",
                "resume envelope all", "schedule all", "remove kind=bounce", "trace mta", "untrace all", "log brief", "resume route 1",
                "resume route 99", "update table nosuch", "reload", "discover \(envelope)", "encrypt secret", "completion bash", "completion zsh", "completion fish", "history",
                "explain alice@test.example", "explain \(envelope)", "uncorrupt 12345678", "top", "profile queue", "remove all", "stop",
            ]
            for command in commands {
                let run = try server.control(["--json"] + command.split(separator: " ").map(String.init))
                let lines = (run.output + run.error).split(separator: "\n")
                #expect(run.code != 0 || run.error.isEmpty)
                for line in lines { #expect(line.hasPrefix("{\"") && line.hasSuffix("}"), "\(command): \(line)") }
                let check = try Programs.run(
                    "/usr/bin/python3", ["-c", "import json, sys\nfor line in sys.stdin: json.loads(line)"], input: run.output + run.error, environment: [],
                    identity: nil)
                #expect(check.code == 0, "\(command): \(run.output)\(check.error)")
            }
        }

        @Test func `subjects are traced and untraced while the daemon runs`() async throws {
            let server = try Server.standard()
            try await server.start()
            func greet() throws {
                let client = try server.client()
                try client.greet()
                try client.command("QUIT")
            }
            try greet()
            #expect(!server.log.contains("smtp: "))
            #expect(try server.control("trace", "smtp").output == "command succeeded\n")
            try await server.eventually("a trace") {
                try greet()
                return server.log.contains("smtp: ") && server.log.contains("250 ")
            }
            #expect(try server.control("untrace", "all").code == 0)
            #expect(try server.control("trace", "imsg").code == 0)
            try await server.eventually("messages") {
                _ = try server.queue()
                return server.log.contains("imsg: control -> queue: page\n")
            }
            for word in ["frobnicate", "profstat"] {
                let run = try server.control("trace", word)
                #expect(run.code == 1 && run.error.contains(word), "\(run.error)")
            }
        }

        @Test func `trace io tells what the connections of sessions do, and nothing of what passes`() async throws {
            let certificates = try TestCertificates.shared.get()
            let server = try Server.standard(
                listener: "tls pki mail",
                more: "pki mail cert \"\(certificates.path("mail.pem"))\"\npki mail key \"\(certificates.path("mail.key"))\"\n")
            try await server.start()
            #expect(try server.control("trace", "io").output == "command succeeded\n")
            let client = try server.client()
            try client.greet()
            #expect(try client.deliver(from: "ada@client.example", to: ["alice@test.example"], "Subject: secret\r\n\r\nsecret\r\n").code == 250)
            try client.command("QUIT")
            try await server.eventually("the end of the session") { server.log.contains("closed: ") }
            let told = server.log.split(separator: "\n").filter { $0.contains("io: ") }
            #expect(told.contains { $0.contains(" read ") && $0.hasSuffix(" octets") } && told.contains { $0.contains(" wrote ") }, "\(server.log)")
            #expect(!told.contains { $0.contains("secret") })
            let run = try openssl(
                ["s_client", "-connect", "127.0.0.1:\(server.port)", "-starttls", "smtp", "-crlf", "-quiet"], input: "EHLO x\nQUIT\n", failing: true)
            try await server.eventually("the handshake") {
                server.log.contains("TLS handshake begins") && server.log.contains("TLS handshake done: TLSv1.3")
            }
            _ = run
            #expect(try server.control("untrace", "io").code == 0)
            let before = server.log.split(separator: "\n").count { $0.contains("io: ") }
            let quiet = try server.client()
            try quiet.greet()
            try quiet.command("QUIT")
            try await server.eventually("the end of the session") { server.log.split(separator: "\n").count { $0.contains("smtp disconnected") } == 3 }
            #expect(server.log.split(separator: "\n").count { $0.contains("io: ") } == before)
        }

        @Test func `signatures of crypto are counted by kind, with the time they took`() async throws {
            let certificates = try TestCertificates.shared.get()
            let pairs = ["mail", "curve"].map {
                "pki \($0) cert \"\(certificates.path("\($0).pem"))\"\npki \($0) key \"\(certificates.path("\($0).key"))\"\n"
            }.joined()
            let port = try Server.freePort()
            let server = try Server.standard(
                listener: "tls pki mail", more: pairs + "listen on 127.0.0.1 port \(port) tls pki curve\nmetrics on socket \"@DIR@/metrics\"\n")
            try await server.start()
            func counter(_ key: String) throws -> Int {
                let line = try server.control("show", "stats").lines.first { $0.hasPrefix(key + "=") }
                return line.flatMap { Int($0.dropFirst(key.count + 1)) } ?? -1
            }
            #expect(try counter("crypto.key") == 2 && counter("crypto.signature.ecdsa") == 0 && counter("crypto.signature.rsa.pss") == 0)
            for (port, version) in [(server.port, "-tls1_3"), (server.port, "-tls1_3"), (port, "-tls1_2")] {
                _ = try openssl(
                    ["s_client", "-connect", "127.0.0.1:\(port)", "-starttls", "smtp", "-crlf", "-quiet", version], input: "QUIT\n", failing: true)
            }
            try await server.eventually("three signatures") {
                try counter("crypto.signature.rsa.pss") == 2 && counter("crypto.signature.ecdsa") == 1
            }
            #expect(try counter("crypto.signature.failed") == 0 && counter("crypto.signature.rsa.pkcs1") == 0)
            let metrics = try Programs.run(
                "/usr/bin/curl", ["-sS", "--unix-socket", "\(server.scratch.path)/metrics", "http://localhost/metrics"], environment: [], identity: nil)
            #expect(metrics.output.contains("\nmartlet_crypto_signature_rsa_pss_total 2\n"), "\(metrics.output)")
            #expect(metrics.output.contains("\nmartlet_crypto_signature_time_seconds_count 3\n"), "\(metrics.output)")
            #expect(metrics.output.contains("martlet_crypto_signature_time_seconds_bucket{le=\"0.000020\"} "), "\(metrics.output)")
        }

        @Test func `metrics are served where the configuration says, over a reload too`() async throws {
            let port = try Server.freePort()
            let server = try Server.standard(more: "metrics on socket \"@DIR@/metrics\"")
            try await server.start()
            func metrics(_ place: [String]) throws -> Programs.Run {
                try Programs.run("/usr/bin/curl", ["-sS", "-i"] + place, environment: [], identity: nil)
            }
            let unix = ["--unix-socket", "\(server.scratch.path)/metrics", "http://localhost/metrics"]
            let first = try metrics(unix)
            #expect(first.output.hasPrefix("HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text; version=1.0.0"), "\(first.output)\(first.error)")
            #expect(first.output.contains("\nmartlet_smtp_session_total 0\n") && first.output.hasSuffix("# EOF\n"))
            #expect(try metrics(["http://127.0.0.1:\(port)/metrics"]).code != 0)

            try server.configure(server.standardConfiguration(more: "metrics on socket \"@DIR@/metrics\"\nmetrics on 127.0.0.1 port \(port)"))
            #expect(try server.control("reload").code == 0)
            try server.client().greet()
            let client = try server.client()
            try client.greet()
            #expect(try client.deliver(from: "ada@client.example", to: ["alice@test.example"], "Subject: 1\r\n\r\nx").code == 250)
            // The mail is in its place a moment before its outcome is known.
            try await server.eventually("the outcome") { server.log.contains("result=Ok") }
            for place in [unix, ["http://127.0.0.1:\(port)/metrics"]] {
                let run = try metrics(place)
                for line in ["martlet_smtp_session_total 2", "martlet_parent_reload_total 1", "martlet_mda_delay_seconds_count 1", "martlet_queue_flush_time_seconds_count 1"] {
                    #expect(run.output.contains("\n\(line)\n"), "\(line)")
                }
            }
            #expect(try metrics(["http://127.0.0.1:\(port)/other"]).output.hasPrefix("HTTP/1.1 404 "))
            #expect(try metrics(["-X", "POST", "http://127.0.0.1:\(port)/metrics"]).output.hasPrefix("HTTP/1.1 400 "))

            try server.configure(server.standardConfiguration())
            #expect(try server.control("reload").code == 0)
            try await server.eventually("an end of metrics") { try metrics(["http://127.0.0.1:\(port)/metrics"]).code != 0 }
        }

        @Test func `enemies of the socket for metrics reach nothing`() async throws {
            let server = try Server.standard(more: "metrics on socket \"@DIR@/metrics\"")
            try await server.start()
            let roles = server.processesByRole
            var held: [DescriptorBoxForTest] = []
            for round in 0..<60 {
                let socket = try ConnectingSocket.wait(to: .local(path: server.scratch.path + "/metrics"), timeout: 5_000)
                switch round % 4 {
                // Says nothing, half a request, too much, or something else.
                case 0: break
                case 1: try? Sockets.sendAll(socket.raw, Array("GET /metr".utf8))
                case 2: try? Sockets.sendAll(socket.raw, [UInt8](repeating: 0x41, count: 100_000))
                default: try? Sockets.sendAll(socket.raw, [0, 255, 13, 10, 13, 10])
                }
                if round % 4 < 2 { held.append(DescriptorBoxForTest(socket)) }
            }
            // Those that hold their connections are shown out within seconds.
            let run = try Programs.run(
                "/usr/bin/curl", ["-sS", "-m", "30", "--unix-socket", "\(server.scratch.path)/metrics", "http://localhost/metrics"], environment: [], identity: nil)
            #expect(run.code == 0 && run.output.hasSuffix("# EOF\n"), "\(run.error)")
            #expect(try server.control("show", "status").code == 0)
            #expect(server.processesByRole.mapValues(\.id) == roles.mapValues(\.id))
            withExtendedLifetime(held) {}
        }

        @Test func `monitor prints a header and a line each second`() async throws {
            let server = try Server.standard()
            try await server.start()
            let run = try Programs.run(
                "/usr/bin/timeout", ["2.5", Programs.directory + "/smtpctl", "monitor"], environment: server.environment, identity: OrdinaryUser.current.identity)
            #expect(run.lines.count >= 4 && run.lines[0].hasPrefix("--- client ---  -- envelope --"), "\(run.output)\(run.error)")
            #expect(run.lines[2...].allSatisfy { $0.utf8.count == 77 })
        }

        @Test func `the log can be JSON`() async throws {
            let server = try Server.standard(more: "log to stderr as json")
            try await server.start()
            try server.client().greet()
            try await server.eventually("a session") { server.log.contains("\"message\":") && server.log.contains("smtp connected") }
            let lines = server.log.split(separator: "\n")
            #expect(lines.allSatisfy { $0.hasPrefix("{\"time\":") && $0.hasSuffix("}}") }, "\(server.log)")
            #expect(lines.contains { $0.contains("\"process\":\"dispatcher\"") && $0.contains("\"address\":\"127.0.0.1\"") })
        }

        @Test func `users see and remove their own mail, readers look at all, and neither does more`() async throws {
            guard OrdinaryUser.current.isSomebodyElse else { return }
            // A group that every system has, and that neither user is in.
            let group = try #require(try Groups.named("adm"))
            let server = try await serverWithMail(more: "control group \"adm\"")
            chmod(server.scratch.path + "/spool", 0o711)
            chmod(server.scratch.path + "/spool/smtpd.sock", 0o666)
            let base = OrdinaryUser.current
            let user = Identity(uid: base.uid - 1, gid: base.gid, groups: [])
            let other = Identity(uid: base.uid - 2, gid: base.gid, groups: [])
            let reader = Identity(uid: base.uid - 2, gid: base.gid, groups: [group.gid])
            func control(_ identity: Identity, _ words: String) throws -> Programs.Run {
                try Programs.run("smtpctl", words.split(separator: " ").map(String.init), environment: server.environment, identity: identity)
            }
            let submission = try Programs.run(
                "sendmail", ["-i", "-f", "u@client.example", "carol@test.example"], input: "Subject: own\n\nmine\n", environment: server.environment, identity: user)
            #expect(submission.code == 0, "\(submission.error)")
            try await server.eventually("five envelopes") { try server.queue().count == 5 }
            let own = try #require(try server.queue().first { $0.recipient == "carol@test.example" })
            let foreign = try #require(try server.queue().first { $0.recipient == "bob@test.example" })

            #expect(try control(user, "show queue").lines.count == 1)
            #expect(try control(user, "show queue uid=\(base.uid - 2)").output.isEmpty)
            #expect(try control(user, "show envelope \(own.envelope)").output.contains("rcpt: carol@test.example"))
            #expect(try control(user, "show message \(own.message)").output.contains("mine"))
            for words in ["show envelope \(foreign.envelope)", "show message \(foreign.message)"] { #expect(try control(user, words).code == 1) }
            #expect(try control(other, "show queue").output.isEmpty)

            #expect(try control(reader, "show queue").lines.count == 5)
            #expect(try control(reader, "show envelope \(foreign.envelope)").code == 0)
            #expect(try control(reader, "show routes").lines.count == 1 && control(reader, "show stats").code == 0)
            #expect(try control(reader, "show message \(foreign.message)").code == 1)
            for words in ["show routes", "show stats", "show status", "monitor"] {
                let run = try control(user, words)
                #expect(run.code == 1 && run.error.contains("need root privileges"), "\(words)")
            }
            for identity in [user, reader] {
                for words in ["schedule all", "pause envelope all", "pause mda", "stop", "reload", "trace all", "log verbose", "resume route 1", "update table users"] {
                    let run = try control(identity, words)
                    #expect(run.code == 1 && run.error.contains("need root privileges"), "\(words)")
                }
            }
            #expect(try control(reader, "remove all").output == "0 envelopes removed\n")
            #expect(try control(user, "remove \(foreign.envelope)").output == "0 envelopes removed\n")
            #expect(try control(user, "remove from=*").output == "1 envelope removed\n")
            try await server.eventually("four envelopes") { try server.queue().count == 4 }
        }
    }
}

/// Keeps a connection open.
private final class DescriptorBoxForTest {
    private let descriptor: OwnedDescriptor
    init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
}
