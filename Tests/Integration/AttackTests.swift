import Glibc
import Platform
import ServerTesting
import Testing

extension RealProcesses {
    /// What a listener that stands in the open meets. Larger numbers and rates are in `Benchmarks/run BIN attack`.
    @Suite("Under attack") struct AttackTests {
        private static func proxied(_ client: UInt8) -> [UInt8] {
            [0x0D, 0x0A, 0x0D, 0x0A, 0, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A, 0x21, 0x11, 0, 12]
                + [192, 0, 2, client, 127, 0, 0, 1, 0x30, 0x39, 0, 25]
        }

        private func secureServer(_ more: String = "") throws -> Server {
            let certificates = try TestCertificates.shared.get()
            return try Server.standard(
                listener: "smtps pki mail",
                more: "pki mail cert \"\(certificates.path("mail.pem"))\"\npki mail key \"\(certificates.path("mail.key"))\"\n" + more)
        }

        /// KiB of memory that a role has to itself.
        private func memory(_ server: Server, _ role: String) throws -> Int {
            let process = try #require(server.processesByRole[role]).id
            let text = String(decoding: try Files.read("/proc/\(process)/smaps_rollup"), as: UTF8.self)
            return text.split(separator: "\n").filter { $0.hasPrefix("Private_") }
                .compactMap { Int($0.split(separator: " ")[1]) }.reduce(0, +)
        }

        /// How long a whole visit takes: connection, greeting, message.
        private func visit(_ server: Server, port: UInt16? = nil, as client: UInt8? = nil) throws -> Double {
            let start = monotonicSeconds()
            let visitor = try SMTPClient(port: port ?? server.port)
            if let client { try visitor.send(Self.proxied(client)) }
            #expect(try visitor.greet().code == 250)
            #expect(try visitor.deliver(from: "ada@client.example", to: ["alice@test.example"], "Subject: x\r\n\r\nx\r\n").code == 250)
            return monotonicSeconds() - start
        }

        @Test func `with few descriptors every client hears 220 or 421, and the daemon goes on`() async throws {
            let server = try Server.standard()
            server.openFiles = 64
            try await server.start()
            var clients: [SMTPClient] = []
            var codes: [Int: Int] = [:]
            for _ in 0..<100 {
                let client = try server.client(timeout: 10)
                codes[try client.reply().code, default: 0] += 1
                clients.append(client)
            }
            #expect(codes.keys.sorted() == [220, 421], "\(codes)")
            #expect(try #require(codes[220]) >= 16)
            #expect(server.log.contains("smtp refused address=127.0.0.1 reason=\"too many sessions\""), "\(server.log.suffix(500))")
            for client in clients { client.close() }
            try await server.eventually("room again") { (try? server.client().greet().code) == 250 }
            _ = try visit(server)
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a client that does not read what it asked for stops being read, and costs no memory`() async throws {
            let server = try Server.standard(more: "smtp limit max-refused-rcpt 2000000000\n")
            try await server.start()
            _ = try visit(server)
            let before = try memory(server, "dispatcher")
            let greedy = try server.client(timeout: 2)
            try greedy.greet()
            try greedy.command("MAIL FROM:<ada@client.example>")
            let commands = Array(String(repeating: "RCPT TO:<nobody@test.example>\r\n", count: 2_000).utf8)
            var sent = 0
            // Until the kernel's buffers on the way are full: the write then fails for the time being.
            do { while sent < 200 << 20 { try greedy.send(commands); sent += commands.count } } catch {}
            #expect(sent < 100 << 20, "the server took \(sent) octets without an end")
            #expect(try visit(server) < 2)
            let grown = try memory(server, "dispatcher") - before
            #expect(grown < 4_096, "the dispatcher has grown by \(grown) KiB")
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `what a client has sent is not carried out when it is gone`() async throws {
            let server = try Server.standard(more: "smtp limit max-refused-rcpt 2000000000\n")
            try await server.start()
            func carriedOut() -> Int { server.log.split(separator: "\n").count { $0.contains("smtp refused-recipient") } }
            do {
                let client = try server.client(timeout: 1)
                try client.greet()
                try client.command("MAIL FROM:<ada@client.example>")
                let commands = Array(String(repeating: "RCPT TO:<nobody@test.example>\r\n", count: 20_000).utf8)
                // It waits a second in vain for room, at most.
                try? client.send(commands)
                try await server.eventually("some of it") { carriedOut() > 0 }
            }
            // Gone, with replies unread, of which the kernel tells the server.
            let before = carriedOut()
            try await server.eventually("the end of the session", within: 60) { server.log.contains("smtp disconnected") }
            #expect(carriedOut() - before < 1_000)
            #expect(try await server.stop() == .exited(0))
        }

        @Test(arguments: ["NOOP", "RSET", "HELO x.example", "VRFY x", "HELP"])
        func `commands without end and without mail come to an end`(_ command: String) async throws {
            let server = try Server.standard(more: "smtp limit max-idle-commands 50\n")
            try await server.start()
            let client = try server.client()
            #expect(try client.reply().code == 220)
            try client.send(String(repeating: command + "\r\n", count: 80))
            var last = try client.reply()
            var count = 1
            while last.code != 421 {
                last = try client.reply()
                count += 1
            }
            #expect(count == 51 && last.text == "421 4.7.0 Too many commands without mail: closing connection", "\(count) \(last)")
            #expect(client.isClosed())
            try await server.eventually("a line in the log") {
                server.log.contains("smtp disconnected reason=\"too many commands without mail\"")
            }
        }

        @Test func `lines without end are answered once and kept nowhere`() async throws {
            let server = try Server.standard(more: "smtp limit max-text-line 2000 max-command-line 600 max-header-size 70000 max-hops 50\n")
            try await server.start()
            _ = try visit(server)
            let before = try memory(server, "dispatcher")
            let client = try server.client()
            try client.greet()
            let giant = [UInt8](repeating: UInt8(ascii: "x"), count: 32 << 20)
            try client.send(giant + [0x0D, 0x0A])
            #expect(try client.reply().text == "500 5.0.0 Command line too long")
            #expect(try client.command("NOOP " + String(repeating: "x", count: 593)).code == 250)
            #expect(try client.command("NOOP " + String(repeating: "x", count: 594)).code == 500)
            func refusal(_ message: [UInt8]) throws -> SMTPClient.Reply {
                for line in ["MAIL FROM:<ada@client.example>", "RCPT TO:<alice@test.example>", "DATA"] { try client.command(line) }
                try client.send(message)
                return try client.command("\r\n.")
            }
            #expect(try refusal(Array("Subject: x\r\n\r\n".utf8) + giant).text.contains("line too long"))
            #expect(try refusal(Array("Subject: x\r\n\r\n".utf8) + giant[..<1_998]).code == 250)
            #expect(try refusal(Array(String(repeating: "X-A: \(String(repeating: "y", count: 900))\r\n", count: 90).utf8)).code >= 500)
            let hops = String(repeating: "Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\n", count: 50)
            #expect(try refusal(Array((hops + "\r\nx").utf8)).text.hasPrefix("554 5.4.6"))
            let grown = try memory(server, "dispatcher") - before
            #expect(grown < 8_192, "the dispatcher has grown by \(grown) KiB")
        }

        @Test func `a network that floods with connections hears 421, and others are served meanwhile`() async throws {
            let port = try Server.freePort()
            let server = try Server.standard(
                more: "smtp limit max-session-per-client 20 max-connections-per-minute 200\nlisten on 127.0.0.1 port \(port) proxy-v2\n")
            try await server.start()
            let stop = Flag()
            let counts = Shared([Int: Int]())
            let flood = TestThread {
                while !stop.isSet {
                    guard let client = try? SMTPClient(port: port, timeout: 5), (try? client.send(Self.proxied(1))) != nil else { continue }
                    // What the server says before it closes can be lost when it had not read all: 0.
                    let code = (try? client.reply().code) ?? 0
                    counts.with { $0[code, default: 0] += 1 }
                }
            }
            var slowest = 0.0
            for number in 0..<40 { slowest = max(slowest, try visit(server, port: port, as: UInt8(10 + number))) }
            stop.set()
            try await flood.finished()
            let heard = counts.current
            #expect(heard[220, default: 0] <= 240 && heard[421, default: 0] > 0, "\(heard)")
            #expect(slowest < 3, "a visit took \(slowest) s during the flood")
            try await server.eventually("all messages") { server.mailCount(of: "alice") == 40 }
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a flood of handshakes leaves time for others`() async throws {
            let port = try Server.freePort()
            let server = try secureServer("smtp limit max-handshakes 8\nlisten on 127.0.0.1 port \(port) hostname clear.example\n")
            try await server.start()
            var floods: [pid_t] = []
            for _ in 0..<6 {
                let program = ChildProcess(
                    path: "/usr/bin/openssl", arguments: ["openssl", "s_time", "-connect", "127.0.0.1:\(server.port)", "-new", "-time", "8"],
                    environment: [])
                let output = try Files.open("/dev/null", O_WRONLY)
                floods.append(try program.start(output: output.raw, error: output.raw))
            }
            defer {
                for flood in floods {
                    kill(flood, SIGKILL)
                    _ = try? ChildProcess.wait(for: flood)
                }
            }
            try await server.eventually("handshakes") { server.log.contains("smtp tls ciphers=") }
            var slowest = 0.0
            for _ in 0..<20 { slowest = max(slowest, try visit(server, port: port)) }
            #expect(slowest < 3, "a visit took \(slowest) s during the flood")
            // A handshake of somebody else takes its turn, too.
            let start = monotonicSeconds()
            let secured = try SMTPClient(securePort: server.port)
            #expect(try secured.greet().code == 250)
            #expect(monotonicSeconds() - start < 6)
        }

        @Test func `handshakes that are begun and left alone hold nobody up`() async throws {
            let server = try secureServer("smtp limit max-handshakes 4 handshake-timeout 3\n")
            try await server.start()
            // The beginning of a ClientHello, and no more.
            let stalled = try (0..<20).map { _ in
                let client = try server.client()
                try client.send([0x16, 0x03, 0x01, 0x02, 0x00, 0x01])
                return client
            }
            let start = monotonicSeconds()
            let client = try SMTPClient(securePort: server.port)
            #expect(try client.greet().code == 250)
            // Each batch of those that hang is over after the limit.
            #expect(monotonicSeconds() - start < 20)
            try await server.eventually("the end of those", within: 30) { stalled.allSatisfy { $0.isClosed() } }
            #expect(server.log.contains("tls-failed reason="))
        }

        @Test func `two hundred sessions of TLS are held within bounds`() async throws {
            let server = try secureServer()
            try await server.start()
            let program = """
                import socket, ssl, sys
                context = ssl._create_unverified_context()
                def session():
                    s = context.wrap_socket(socket.create_connection(("127.0.0.1", \(server.port)), 60))
                    assert s.recv(99).startswith(b"220 ")
                    s.sendall(b"EHLO x.example\\r\\n")
                    assert s.recv(999).startswith(b"250-")
                    return s
                def size():
                    fields = [l.split() for l in open("/proc/%s/smaps_rollup" % sys.argv[1])]
                    return sum(int(f[1]) for f in fields if f[0].startswith("Private_"))
                first = [session() for _ in range(20)]
                before = size()
                more = [session() for _ in range(200)]
                print((size() - before) / 200)
                for s in first + more:
                    s.sendall(b"NOOP\\r\\n")
                    assert s.recv(99).startswith(b"250 ")

                """
            let dispatcher = try #require(server.processesByRole["dispatcher"]).id
            let run = try Programs.run("/usr/bin/env", ["python3", "-c", program, "\(dispatcher)"], environment: [], identity: nil)
            let each = Double(run.output.split(separator: "\n").first ?? "")
            #expect(run.code == 0 && each.map { $0 < 64 } == true, "KiB for each: \(run)")
        }
    }
}
