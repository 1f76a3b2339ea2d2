import Platform
import ServerTesting
import Testing

extension RealProcesses {
    @Suite("smtpctl history, queue history (smtpctl(8), smtpd.conf(5))") struct HistoryTests {
        private static let body = "Message-ID: <here-it-is@client.example>\r\nSubject: x\r\n\r\nx"

        private func send(_ server: Server, from sender: String = "ada@client.example", to recipient: String) throws {
            let client = try server.client()
            try client.greet()
            #expect(try client.deliver(from: sender, to: [recipient], Self.body).code == 250)
            client.close()
        }

        @Test func `what became of a message is found by each of its names, with a daemon and without`() async throws {
            let server = try Server.standard()
            try await server.start()
            try send(server, to: "postmaster@test.example")
            try send(server, from: "eve@client.example", to: "bob@test.example")
            try await server.drained()
            let all = try server.control("history")
            #expect(all.code == 0 && all.lines.count == 6, "\(all.output)\(all.error)")
            let found = try server.control("history", "message-id=here-it-is@client.example", "from=ada@*")
            #expect(found.lines.count == 3, "\(found.output)")
            #expect(found.output.contains(" accepted from=<ada@client.example> size="))
            #expect(found.output.contains(" message-id=<here-it-is@client.example>\n"))
            #expect(found.output.contains(" queued to=<postmaster@test.example> action=deliver\n"), "\(found.output)")
            #expect(found.output.contains(" delivered to=<postmaster@test.example> text="))
            #expect(try server.control("history", "to=postmaster@test.example", "newer=1h").output == found.output)
            #expect(try server.control("history", "older=1h").output.isEmpty)
            let id = try #require(found.lines.first?.split(separator: " ").dropFirst().first.map(String.init))
            #expect(try server.control("history", id).output == found.output)
            let json = try server.control("--json", "history", id)
            #expect(json.lines.count == 3 && json.lines.allSatisfy { $0.hasPrefix("{\"time\":") && $0.hasSuffix("}") }, "\(json.output)")
            let refused = try server.control("history", "state=held")
            #expect(refused.code == 1 && refused.error.contains("state=held: not one of"), "\(refused.error)")
            _ = try await server.stop()
            #expect(try server.control("history").output == all.output)
            #expect(try server.control("--json", "history", id).output == json.output)
            try await server.start()
            try send(server, to: "bob@test.example")
            try await server.drained()
            #expect(try server.control("history").lines.count == 9)
        }

        @Test func `orders and failures stand in it, and a kill costs no more than the last second`() async throws {
            let server = try Server.standard(action: "mda \"exit 75\"")
            try await server.start()
            try send(server, to: "alice@test.example")
            try await server.eventually("the failure") { try server.control("history").output.contains(" deferred ") }
            let envelope = try server.queue()[0].envelope
            _ = try server.control("pause", "envelope", envelope)
            _ = try server.control("remove", envelope)
            try await server.eventually("its end") { try server.control("history", envelope).output.contains(" removed ") }
            let told = try server.control("history", envelope)
            #expect(told.output.contains(" paused to=<alice@test.example>\n"), "\(told.output)")
            server.killEverything()
            try await server.start()
            #expect(try server.control("history", envelope).output == told.output)
        }

        @Test func `it is as secret as the queue, and can be switched off`() async throws {
            let key = "queue encryption \"\(String(repeating: "k", count: 32))\""
            let server = try Server.standard()
            try await server.start()
            try send(server, to: "bob@test.example")
            try await server.drained()
            func isOnDisk() throws -> Bool {
                try Programs.run("/bin/grep", ["-rqF", "here-it-is", server.scratch.path + "/spool/queue/history"], environment: [], identity: nil)
                    .code == 0
            }
            let before = try server.control("history")
            #expect(before.lines.count == 3)
            #expect(try isOnDisk())
            _ = try await server.stop()
            try server.configure(server.standardConfiguration(more: key))
            try await server.start()
            #expect(try server.control("history").output == before.output)
            #expect(try !isOnDisk())
            try server.configure(server.standardConfiguration(more: key + "\nqueue history off"))
            #expect(try server.control("reload").code == 0)
            let off = try server.control("history")
            #expect(off.code == 1 && off.error.contains("queue history off"), "\(off.output)\(off.error)")
            #expect(try Files.list(server.scratch.path + "/spool/queue/history").isEmpty)
        }
    }
}
