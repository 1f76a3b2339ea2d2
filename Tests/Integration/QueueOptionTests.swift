import Glibc
import Platform
import ServerTesting
import Testing

extension RealProcesses {
    @Suite("queue compression, queue encryption (smtpd.conf(5))") struct QueueOptionTests {
        private static let secret = "nobody-shall-find-this-on-the-disk"
        private static let hexadecimal = String(repeating: "0123456789abcdef", count: 4)

        /// A server with options of the queue and two messages, one of them big, that wait.
        private func serverWithMail(_ options: String, input: String? = nil) async throws -> (Server, [String: String]) {
            let server = try Server.standard(more: options)
            try writeKey("queue.key", in: server)
            try await server.start(["-P", "mda"])
            let client = try server.client()
            try client.greet()
            let line = "the word \(Self.secret) stands here\r\n"
            for body in [line, String(repeating: line, count: 20_000)] {
                #expect(
                    try client.deliver(from: "ada@client.example", to: ["alice@test.example"], "Subject: \(Self.secret)\r\n\r\n" + body)
                        .code == 250)
            }
            try await server.eventually("two envelopes") { try server.queue().count == 2 }
            var messages: [String: String] = [:]
            for line in try server.queue() { messages[line.message] = try server.control("show", "message", line.message).output }
            #expect(messages.values.allSatisfy { $0.contains(Self.secret) })
            return (server, messages)
        }

        private func writeKey(_ name: String, _ key: String = hexadecimal, in server: Server) throws {
            try server.scratch.write(name, key + "\n")
            let path = server.scratch.path + "/" + name
            #expect(chmod(path, 0o600) == 0)
            if geteuid() == 0 { #expect(chown(path, OrdinaryUser.current.uid, OrdinaryUser.current.gid) == 0) }
        }

        private func isOnDisk(_ server: Server) throws -> Bool {
            let grep = try Programs.run(
                "/bin/grep", ["-rqF", Self.secret, server.scratch.path + "/spool/queue"], environment: [], identity: nil)
            return grep.code == 0
        }

        @Test(arguments: [
            "queue encryption file:@DIR@/queue.key", "queue encryption \"\(String(repeating: "k", count: 32))\"",
            "queue encryption file:@DIR@/queue.key\nqueue compression",
        ])
        func `what waits is secret on disk, is shown, and is delivered after a kill`(_ options: String) async throws {
            #if !Compression
                guard !options.contains("compression") else { return }
            #endif
            let (server, messages) = try await serverWithMail(options)
            #expect(try !isOnDisk(server))
            server.killEverything()
            try await server.start(["-P", "mda"])
            for (id, text) in messages { #expect(try server.control("show", "message", id).output == text) }
            for line in try server.queue() {
                #expect(try server.control("show", "envelope", line.envelope).output.contains("rcpt: alice@test.example\n"))
            }
            _ = try server.control("resume", "mda")
            try await server.drained()
            #expect(server.mailCount(of: "alice") == 2)
            #expect(server.mail(of: "alice").allSatisfy { $0.contains(Self.secret) })
        }

        @Test func `smtpctl reads the queue of a stopped daemon with the key from standard input`() async throws {
            let (server, messages) = try await serverWithMail("queue encryption file:@DIR@/queue.key")
            _ = try await server.stop()
            func run(_ words: [String], key: String) throws -> Programs.Run {
                // Without a terminal, whoever runs the tests.
                try Programs.run(
                    "/usr/bin/setsid", ["--wait", Programs.directory + "/smtpctl"] + words, input: key,
                    environment: server.environment, identity: OrdinaryUser.current.identity)
            }
            for (id, text) in messages {
                let shown = try run(["show", "message", id], key: Self.hexadecimal + "\n")
                #expect(shown.output == text, "\(shown.error)")
            }
            let list = try run(["show", "queue"], key: "no key\n" + Self.hexadecimal + "\n")
            #expect(list.lines.count == 2 && list.lines.allSatisfy { $0.contains("|offline|") }, "\(list.error)")
            let envelope = try run(["show", "envelope", String(list.lines[0].prefix(16))], key: Self.hexadecimal + "\n")
            #expect(envelope.output.contains("rcpt: alice@test.example\n"), "\(envelope.error)")
            let refused = try run(["show", "queue"], key: String(repeating: "wrong-key wrong-key wrong-key ab\n", count: 3))
            #expect(refused.code == 1 && refused.error.contains("its key was not given"), "\(refused.error)")
        }

        @Test func `a wrong key stops the start with its reason, and costs nothing`() async throws {
            let (server, messages) = try await serverWithMail("queue encryption file:@DIR@/queue.key")
            _ = try await server.stop()
            try writeKey("queue.key", String(Self.hexadecimal.reversed()), in: server)
            try server.launch()
            #expect(try await server.ended() == .exited(1))
            #expect(server.log.contains("is encrypted with a key that was not given"), "\(server.log)")
            try writeKey("queue.key", in: server)
            try await server.start(["-P", "mda"])
            for (id, text) in messages { #expect(try server.control("show", "message", id).output == text) }
        }

        @Test func `a key is changed by a reload, with the one of before as backup until nothing needs it`() async throws {
            let (server, messages) = try await serverWithMail("queue encryption file:@DIR@/queue.key")
            try writeKey("new.key", String(Self.hexadecimal.reversed()), in: server)
            try server.configure(
                server.standardConfiguration(
                    more: "queue encryption file:@DIR@/new.key\nqueue encryption backup file:@DIR@/queue.key"))
            #expect(try server.control("reload").code == 0)
            #expect(server.log.contains("2 messages were kept with another key"), "\(server.log)")
            _ = try await server.stop()
            try await server.start(["-P", "mda"])
            for (id, text) in messages { #expect(try server.control("show", "message", id).output == text) }
            _ = try server.control("resume", "mda")
            try await server.drained()
            #expect(server.mailCount(of: "alice") == 2)
            _ = try await server.stop()
            try server.configure(server.standardConfiguration(more: "queue encryption file:@DIR@/new.key"))
            try await server.start()
        }

        @Test func `a key that is none is refused before the start, in words that do not show it`() async throws {
            for (options, reason) in [
                ("queue encryption \"short and secret\"", "queue encryption: a key has 32 bytes or 64 hexadecimal digits, not 16"),
                ("queue encryption file:@DIR@/nothing", "No such file"),
                ("queue encryption credential:key", "the service manager has given none"),
            ] {
                let server = try Server.standard(more: options)
                try server.launch()
                #expect(try await server.ended() == .exited(1))
                #expect(server.log.contains(reason), "\(server.log)")
                #expect(!server.log.contains("short and secret"))
            }
        }
    }
}
