import DNSTesting
import Platform
import ServerTesting
import Testing

extension RealProcesses {
    /// The daemon's own name server is a script of the test.
    @Suite("names of clients and of other hosts") struct NameTests {
        private static let zone: [NameServerRecord] = [
            .ptr("7.2.0.192.in-addr.arpa", "Mail.Client.example"), .a("mail.client.example", "192.0.2.7"),
            .ptr("8.2.0.192.in-addr.arpa", "mail.client.example"), .ptr("10.2.0.192.in-addr.arpa", "x y(\n).example"),
            .mx("nullmx.example", 0, ""), .mx("xn--bcher-kva.example", 10, "nowhere.example"),
        ]

        /// Says hello as a client behind a proxy, whose address is 192.0.2.`host`.
        private func client(_ host: UInt8, port: UInt16) throws -> SMTPClient {
            let client = try SMTPClient(port: port)
            let header: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A, 0x21, 0x11, 0, 12]
            try client.send(header + [192, 0, 2, host, 127, 0, 0, 1, 0x30, 0x39, 0, 25])
            try client.greet()
            return client
        }

        @Test func `the client's name is in Received and in the log, and rules see it`() async throws {
            let names = NameServer(zone: Self.zone)
            let port = try Server.freePort()
            let server = try Server.standard(
                more: """
                    listen on 127.0.0.1 port \(port) proxy-v2 hostname mx.test.example
                    match !from rdns for any reject
                    match from rdns "*.bad.example" for any reject
                    """)
            try server.setResolver(names.line)
            try await server.start()
            let named = try client(7, port: port)
            #expect(try named.deliver(from: "ada@client.example", to: ["alice@test.example"], "Subject: x\r\n\r\nx\r\n").code == 250)
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
            #expect(try #require(server.mail(of: "alice").first).contains("(mail.client.example [192.0.2.7])"))
            #expect(server.log.contains("smtp connected address=192.0.2.7 host=mail.client.example"))
            // Nobody's address, and one whose name could not be a host's.
            for host: UInt8 in [9, 10] {
                let unnamed = try client(host, port: port)
                #expect(try unnamed.command("MAIL FROM:<ada@client.example>").code == 250)
                #expect(try unnamed.command("RCPT TO:<alice@test.example>").code == 550)
                #expect(server.log.contains("smtp connected address=192.0.2.\(host) host=<unknown>"))
            }
            let asked = names.queries.count
            _ = try client(7, port: port)
            #expect(names.queries.count == asked, "the name was remembered")
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a client of this machine has its name without a packet`() async throws {
            let names = NameServer { _ in [] }
            let server = try Server.standard()
            try server.setResolver(names.line, hosts: "127.0.0.1 here.example localhost\n")
            try await server.start()
            let client = try server.client(timeout: 3)
            try client.greet()
            #expect(server.log.contains("smtp connected address=127.0.0.1 host=here.example"))
            #expect(names.queries.isEmpty)
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `silent servers delay the greeting for a while and no longer`() async throws {
            let names = NameServer { _ in [] }
            let port = try Server.freePort()
            let server = try Server.standard(more: "listen on 127.0.0.1 port \(port) proxy-v2 hostname mx.test.example")
            try server.setResolver(names.line + "options timeout:1 attempts:1\n")
            try await server.start()
            _ = try client(7, port: port)
            #expect(server.log.contains("address=192.0.2.7 host=<unknown>"))
            #expect(!names.queries.isEmpty)
            #expect(try await server.stop() == .exited(0))
        }

        /// A server that relays everything.
        private func relay(_ names: NameServer, _ action: String) throws -> Server {
            let server = try Server { server in
                """
                listen on 127.0.0.1 port \(server.port) hostname "relay.test.example"
                action "out" \(action)
                match from any for any action "out"
                """
            }
            try server.setResolver(names.line)
            return server
        }

        @Test func `domains that do not exist or take no mail fail for good, and what nobody knows is tried again`() async throws {
            let names = NameServer { $0.name.lowercased() == "broken.example" ? [$0.reply(code: 2)] : [$0.reply(from: Self.zone)] }
            let server = try relay(names, "relay")
            try await server.start()
            let client = try server.client()
            try client.greet()
            for domain in ["nullmx.example", "missing.example", "broken.example"] {
                #expect(try client.deliver(from: "", to: ["ada@\(domain)"], "Subject: x\r\n\r\nx\r\n").code == 250)
            }
            func outcome(_ domain: String) -> String? {
                let line = server.log.split(separator: "\n").first { $0.contains("to=<ada@\(domain)>") && $0.contains(" result=") }
                return line?.split(separator: " ").first { $0.hasPrefix("result=") }.map(String.init)
            }
            try await server.eventually("three outcomes") {
                ["nullmx.example", "missing.example", "broken.example"].allSatisfy { outcome($0) != nil }
            }
            #expect(outcome("nullmx.example") == "result=PermFail")
            #expect(outcome("missing.example") == "result=PermFail")
            #expect(outcome("broken.example") == "result=TempFail")
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `an internationalized domain is asked for by its name in ASCII`() async throws {
            let names = NameServer(zone: Self.zone)
            let server = try relay(names, "relay")
            try await server.start()
            let client = try server.client()
            try client.greet()
            #expect(try client.command("MAIL FROM:<> SMTPUTF8").code == 250)
            #expect(try client.command("RCPT TO:<ada@Bücher.example>").code == 250)
            #expect(try client.command("DATA").code == 354)
            #expect(try client.command("Subject: x\r\n\r\nx\r\n.").code == 250)
            try await server.eventually("the question") {
                names.queries.contains { $0.type == 15 && $0.name.lowercased() == "xn--bcher-kva.example" }
            }
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a smarthost is found by its short name`() async throws {
            let target = try Server.standard()
            try await target.start()
            let names = NameServer(zone: [.a("hub.office.example", "127.0.0.1")])
            let server = try relay(names, "relay host \"smtp://hub:\(target.port)\"")
            try server.setResolver(names.line + "search office.example\n")
            try await server.start()
            let client = try server.client()
            try client.greet()
            #expect(try client.deliver(from: "ada@client.example", to: ["alice@test.example"], "Subject: x\r\n\r\nx\r\n").code == 250)
            try await server.eventually("mail") { target.mailCount(of: "alice") == 1 }
            #expect(try await server.stop() == .exited(0))
            #expect(try await target.stop() == .exited(0))
        }

        #if DNSSEC
        @Test(arguments: [("192.0.2.1", "addresses of a.example: 192.0.2.1"), ("192.0.2.66", "is not authentic")])
        func `a confined process validates answers`(_ address: String, _ words: String) async throws {
            let names = NameServer(signedZone: [.a("a.example", address), SignedZone.addressSignatureRecord])
            let server = try relay(names, "relay host smtp://a.example")
            try server.setResolver(names.line + "options no-aaaa\n")
            for folder in ["usr", "usr/share", "usr/share/dns"] { try server.scratch.makeDirectory("spool/" + folder) }
            try server.scratch.write("spool/usr/share/dns/root.key", SignedZone.trustAnchor)
            try await server.start(["-T", "lookup"])
            let client = try server.client()
            try client.greet()
            #expect(try client.deliver(from: "", to: ["alice@test.example"], "Subject: x\r\n\r\nx\r\n").code == 250)
            try await server.eventually("the answer") { server.log.contains(words) }
            #expect(try await server.stop() == .exited(0))
        }
        #endif
    }
}
