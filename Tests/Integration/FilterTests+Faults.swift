import Glibc
import Platform
import ServerTesting
import Testing

/// Programs that die, are silent, flood or lie.
extension RealProcesses.FilterTests {
    @Test func `a program that dies is named and started again, and sessions are refused meanwhile`() async throws {
        let server = try Self.server(
            Self.python("if phase == 'mail-from' and parameters[0].startswith('die'): os._exit(3)"))
        try await server.start()
        let client = try server.client()
        try client.greet()
        #expect(try client.command("MAIL FROM:<die@client.example>").text.hasPrefix("421 4.3.0"))
        #expect(client.isClosed())
        try await server.eventually("the log") { server.log.contains("filter f has ended: exit status 3; started again in 1 s") }
        try await server.eventually("the second start") { server.log.split(separator: "\n").filter { $0.contains("filter f started") }.count == 2 }
        let other = try server.client()
        try other.greet()
        #expect(try other.command("MAIL FROM:<a@client.example>").code == 250)
        #expect(try await server.stop() == .exited(0))
    }

    @Test func `sessions go on without a program when its operator said so`() async throws {
        let server = try Self.server(
            Self.python("if phase == 'mail-from': os._exit(3)"), options: "on-failure accept")
        try await server.start()
        let client = try server.client()
        try client.greet()
        #expect(try client.deliver(from: "a@client.example", to: ["alice@test.example"], "Subject: s\r\n\r\nx").code == 250)
        try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
    }

    @Test func `a program that is silent is ended after its time`() async throws {
        let server = try Self.server(Self.python("if phase == 'mail-from': time.sleep(60)"), options: "timeout 1s")
        try await server.start()
        let client = try server.client()
        try client.greet()
        #expect(try client.command("MAIL FROM:<a@client.example>").text.hasPrefix("421 4.3.0"))
        #expect(server.log.contains("filter f: has not answered in 1 seconds"))
        try await server.eventually("its end") { server.log.contains("filter f has ended: signal 15") }
    }

    @Test func `an answer that is left out costs its session alone`() async throws {
        let server = try Self.server(
            Self.python("if phase == 'mail-from' and parameters[0].startswith('lost'): return ''"), options: "timeout 1s")
        try await server.start()
        let client = try server.client()
        try client.greet()
        let other = try server.client()
        try other.greet()
        try client.send("MAIL FROM:<lost@client.example>\r\n")
        for _ in 0..<20 {
            #expect(try other.command("NOOP").code == 250)
            usleep(100_000)
        }
        #expect(try client.reply().text.hasPrefix("421 4.3.0"))
        #expect(try other.command("MAIL FROM:<a@client.example>").code == 250)
        #expect(!server.log.contains("filter f has ended"))
    }

    @Test(arguments: [
        "print('nonsense', flush=True)", "print('filter-result|1|2|perhaps', flush=True)",
        "print('register|filter|smtp-in|connect', flush=True)", "sys.stdout.write('x' * 300000); sys.stdout.flush()",
    ]) func `a program that says what it must not is ended, and the daemon goes on`(_ lie: String) async throws {
        let server = try Self.server(Self.python("if phase == 'noop':\n    \(lie)"))
        try await server.start()
        let client = try server.client()
        try client.greet()
        #expect(try client.command("NOOP").text.hasPrefix("421 4.3.0"))
        try await server.eventually("its end") { server.log.contains("filter f has ended") }
        #expect(server.log.contains("smtpd: filter f: "))
        try await server.eventually("the second start") { server.log.split(separator: "\n").filter { $0.contains("filter f started") }.count == 2 }
        let other = try server.client()
        try other.greet()
        #expect(try other.command("MAIL FROM:<a@client.example>").code == 250)
    }

    @Test func `a flood on standard error is cut, and its lines name the filter`() async throws {
        let server = try Self.server(
            Self.python("if phase == 'noop':\n    for n in range(5000): print('flood', n, file=sys.stderr)"))
        try await server.start()
        let client = try server.client()
        try client.greet()
        #expect(try client.command("NOOP").code == 250)
        try await server.eventually("the log") { server.log.contains("f: flood 0\n") }
        #expect(try client.command("EHLO again.example").code == 250)
        #expect(server.log.split(separator: "\n").filter { $0.contains("f: flood") }.count <= 100)
    }

    @Test func `a program that cannot be started, or does not register, is named, and clients are told to come back`() async throws {
        let server = try Self.server("#!/bin/sh\nexec sleep 100\n", options: "timeout 1s")
        try await server.start()
        let client = try server.client()
        #expect(try client.reply().text.hasPrefix("421 4.3.0"))
        #expect(server.log.contains("filter f: has not registered in 1 seconds"))
        let missing = try Server.standard(listener: "filter f", more: "filter f proc-exec \"/no/such/program\"\n")
        try await missing.start()
        #expect(try missing.client().reply().text.hasPrefix("421 4.3.0"))
        try await missing.eventually("the log") { missing.log.contains("filter f has ended: exit status 127") }
    }
}
