import Glibc
import Platform
import ServerTesting
import Testing

extension RealProcesses {
    @Suite("smtpctl") struct ControlTests {
        /// A server that delivers nothing, with three envelopes of two messages.
        private func serverWithMail() async throws -> Server {
            let server = try Server.standard()
            try await server.start(["-P", "mda"])
            let client = try server.client()
            try client.greet()
            #expect(try client.deliver(from: "ada@client.example", to: ["alice@test.example", "bob@test.example"], "Subject: two\r\n\r\nx").code == 250)
            #expect(try client.deliver(from: "", to: ["carol@test.example"], "Subject: one\r\n\r\ny").code == 250)
            try await server.eventually("three envelopes") { try server.queue().count == 3 }
            return server
        }

        @Test func `show queue prints fourteen fields of each envelope, and one message's alone`() async throws {
            let server = try await serverWithMail()
            let lines = try server.queue()
            for line in lines { #expect(line.fields.count == 14, "\(line.text)") }
            let first = try #require(lines.first { $0.recipient == "alice@test.example" })
            #expect(first.envelope.count == 16 && first.envelope.allSatisfy { $0.isHexDigit })
            #expect(first.fields[1] == "inet4" && first.kind == "mda" && first.flags == "")
            #expect(first.sender == "ada@client.example" && first.fields[6] == "alice@test.example")
            let (created, expires) = (try #require(Int(first.fields[7])), try #require(Int(first.fields[8])))
            #expect(expires - created == 4 * 86_400)
            #expect(first.fields[9] == "0" && first.tries == 0 && first.state == "pending")
            #expect(Int(first.fields[12]) != nil && first.error == "")
            #expect(lines.first { $0.recipient == "carol@test.example" }?.sender == "@")
            let one = try server.control("show", "queue", first.message)
            #expect(one.lines.count == 2 && one.lines.allSatisfy { $0.hasPrefix(first.message) })
            #expect(try server.control("show", "queue", "00000001").output.isEmpty)
        }

        @Test func `show envelope and show message print what they name, or fail`() async throws {
            let server = try await serverWithMail()
            let first = try #require(try server.queue().first { $0.recipient == "alice@test.example" })
            let envelope = try server.control("show", "envelope", first.envelope)
            #expect(envelope.code == 0 && envelope.output.contains("rcpt: alice@test.example\n"), "\(envelope.output)")
            for id in [first.envelope, first.message] {
                let message = try server.control("show", "message", id)
                #expect(message.code == 0 && message.output.contains("\nSubject: two\n") && message.output.hasSuffix("\n\nx\n"))
            }
            for words in [["show", "envelope", "0000000100000001"], ["show", "message", "00000001"]] {
                let run = try server.control(words)
                #expect(run.code == 1 && run.error.hasPrefix("command failed"), "\(run.error)")
            }
        }

        @Test func `show message prints a message of any size`() async throws {
            let server = try Server.standard()
            try await server.start(["-P", "mda"])
            let client = try server.client()
            try client.greet()
            let body = String(repeating: String(repeating: "w", count: 76) + "\r\n", count: 60_000)
            #expect(try client.deliver(from: "ada@client.example", to: ["alice@test.example"], "Subject: big\r\n\r\n" + body).code == 250)
            try await server.eventually("the envelope") { try server.queue().count == 1 }
            let message = try server.control("show", "message", try server.queue()[0].message)
            #expect(message.code == 0 && message.output.utf8.count > 60_000 * 77)
            #expect(message.output.hasSuffix("www\n"))
        }

        @Test func `remove takes away what is being delivered, once that is over`() async throws {
            let server = try Server.standard(action: "mda \"while test -e @DIR@/closed; do sleep 0.05; done; exit 75\"")
            try server.scratch.write("closed", "")
            try await server.start()
            let client = try server.client()
            try client.greet()
            #expect(try client.deliver(from: "bob@test.example", to: ["alice@test.example"], "Subject: s\r\n\r\nx").code == 250)
            try await server.eventually("a delivery") { try server.queue().first?.state == "inflight" }
            #expect(try server.control("schedule", "all").output == "0 envelopes scheduled\n")
            #expect(try server.control("remove", "all").output == "1 envelope removed\n")
            try Files.remove(server.scratch.path + "/closed")
            try await server.drained()
            #expect(server.mailCount(of: "bob") == 0)
        }

        @Test func `pause, resume, schedule and remove count the envelopes they change`() async throws {
            let server = try await serverWithMail()
            let lines = try server.queue()
            let pair = try #require(lines.first { $0.recipient == "alice@test.example" })
            let single = try #require(lines.first { $0.recipient == "carol@test.example" })
            #expect(try server.control("pause", "envelope", single.envelope).output == "1 envelope paused\n")
            #expect(try server.queue().filter { $0.flags.contains("suspend") }.map(\.envelope) == [single.envelope])
            #expect(try server.control("pause", "envelope", pair.message).output == "2 envelopes paused\n")
            #expect(try server.control("resume", "envelope", "all").output == "3 envelopes resumed\n")
            #expect(try server.control("pause", "envelope", "all").output == "3 envelopes paused\n")

            // What rests, rests over a restart, whatever else is allowed.
            #expect(try await server.stop() == .exited(0))
            try await server.start()
            try await server.eventually("the queue") { try server.queue().count == 3 }
            #expect(try server.queue().allSatisfy { $0.flags.contains("suspend") })
            #expect(try server.control("resume", "envelope", pair.envelope).output == "1 envelope resumed\n")
            try await server.eventually("one message") { server.mailCount(of: "alice") == 1 }
            #expect(server.mailCount(of: "bob") == 0 && server.mailCount(of: "carol") == 0)
            #expect(try server.control("schedule", "00000001").output == "0 envelopes scheduled\n")
            #expect(try server.control("remove", single.envelope).output == "1 envelope removed\n")
            #expect(try server.control("resume", "envelope", "all").code == 0)
            try await server.drained()
            #expect(server.mailCount(of: "bob") == 1 && server.mailCount(of: "carol") == 0)
        }

        @Test func `services pause and resume once, and show status says so`() async throws {
            let server = try Server.standard()
            try await server.start()
            #expect(try server.control("show", "status").output == "MDA running\nMTA running\nSMTP running\n")
            for service in ["mda", "mta", "smtp"] {
                #expect(try server.control("resume", service).code == 1)
                #expect(try server.control("pause", service).output == "command succeeded\n")
                let again = try server.control("pause", service)
                #expect(again.code == 1 && again.error.hasPrefix("command failed"))
            }
            #expect(try server.control("show", "status").output == "MDA paused\nMTA paused\nSMTP paused\n")
            #expect(throws: (any Error).self) { try server.client(timeout: 1).greet() }
            for service in ["mda", "mta", "smtp"] { #expect(try server.control("resume", service).code == 0) }
            #expect(try server.control("show", "status").output == "MDA running\nMTA running\nSMTP running\n")
            #expect(try server.client().greet().code == 250)
        }

        @Test func `a daemon started with services paused says so, and can resume them`() async throws {
            let server = try Server.standard()
            try await server.start(["-P", "mda", "-P", "smtp", "-P", "mta"])
            #expect(try server.control("show", "status").output == "MDA paused\nMTA paused\nSMTP paused\n")
            #expect(try server.control("resume", "smtp").code == 0)
            #expect(try server.client().greet().code == 250)
        }

        @Test func `words may be short where they are unique, and wrong ones get help`() async throws {
            let server = try Server.standard()
            try await server.start()
            #expect(try server.control("sh", "status").code == 0)
            #expect(try server.control("show", "stat").code == 1, "stats or status")
            #expect(try server.control("show", "statu").code == 0)
            for words in [["show"], ["frobnicate"], ["remove", "12"], ["show", "envelope", "zz"], ["pause", "envelope"], ["show", "status", "more"], []] {
                let run = try server.control(words)
                #expect(run.code == 1 && run.output.isEmpty && !run.error.isEmpty, "\(words)")
            }
            #expect(try server.control("sho").error.contains("show queue"))
        }

        @Test func `log verbose shows debug lines until log brief`() async throws {
            let server = try Server.standard()
            try await server.start()
            #expect(try server.control("log", "verbose").output == "command succeeded\n")
            func lines() throws -> Int {
                let before = server.log.utf8.count
                let client = try server.client()
                try client.greet()
                #expect(try client.command("MAIL FROM:<a@b.example>").code == 250)
                #expect(try client.command("RCPT TO:<alice@test.example>").code == 250)
                client.close()
                return String(server.log.dropFirst(before)).split(separator: "\n").filter { $0.contains("smtp recipient=") }.count
            }
            #expect(try lines() == 1)
            #expect(try server.control("log", "brief").code == 0)
            // The order is on its way to seven processes.
            try await server.eventually("brief logs") { try lines() == 0 }
        }

        @Test func `update table reads a file again, keeps the old content when it is bad, and knows its tables`() async throws {
            let server = try Server.standard()
            try server.scratch.write("people", "one alice\n")
            let more = "table people file:@DIR@/people\naction \"listed\" maildir userbase <users> virtual <people>\nmatch from any for domain \"listed.example\" action \"listed\""
            try server.configure(server.standardConfiguration(more: more))
            try await server.start()
            func code(_ name: String) throws -> Int {
                let client = try server.client()
                try client.greet()
                try client.command("MAIL FROM:<a@b.example>")
                return try client.command("RCPT TO:<\(name)@listed.example>").code
            }
            #expect(try code("one") == 250)
            #expect(try code("two") == 550)
            try server.scratch.write("people", "two bob\n")
            #expect(try code("two") == 550, "nothing is read before the order")
            #expect(try server.control("update", "table", "people").output == "command succeeded\n")
            #expect(try code("one") == 550)
            #expect(try code("two") == 250)
            try Files.remove(server.scratch.path + "/people")
            #expect(try server.control("update", "table", "people").code == 1)
            #expect(try code("two") == 250)
            #expect(try server.control("update", "table", "unheard-of").code == 1)
        }

        @Test func `show stats prints sorted keys, durations and counts`() async throws {
            let server = try await serverWithMail()
            let run = try server.control("show", "stats")
            #expect(run.code == 0)
            #expect(run.lines == run.lines.sorted())
            for line in ["scheduler.envelope=3", "queue.message=2"] { #expect(run.lines.contains(line), "\(run.output)") }
            #expect(run.lines.contains { $0.hasPrefix("uptime=") } && run.lines.contains { $0.hasPrefix("uptime.human=") })
        }

        @Test func `another user is refused everything but what is his`() async throws {
            let server = try Server.standard()
            try await server.start()
            guard OrdinaryUser.current.isSomebodyElse else { return }
            // The directory and the socket are closed to others; both doors are opened here to get to the third.
            chmod(server.scratch.path + "/spool", 0o711)
            chmod(server.scratch.path + "/spool/smtpd.sock", 0o666)
            let other = Identity(uid: OrdinaryUser.current.uid - 1, gid: OrdinaryUser.current.gid, groups: [])
            for words in [["show", "status"], ["show", "routes"], ["stop"], ["reload"], ["trace", "mta"], ["pause", "mda"], ["log", "verbose"], ["update", "table", "users"], ["show", "stats"], ["schedule", "all"]] {
                let run = try Programs.run("smtpctl", words, environment: server.environment, identity: other)
                #expect(run.code == 1 && run.error.contains("need root privileges"), "\(words): \(run.error)")
            }
            let submission = try Programs.run(
                "sendmail", ["-i", "-f", "x@client.example", "alice@test.example"], input: "Subject: other\n\nx\n",
                environment: server.environment, identity: other)
            #expect(submission.code == 0, "\(submission.error)")
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
        }
    }

    @Suite("The control socket and its enemies") struct ControlSocketTests {
        private static func connect(_ server: Server) throws -> OwnedDescriptor {
            let socket = try ConnectingSocket.wait(to: .local(path: server.scratch.path + "/spool/smtpd.sock"), timeout: 5_000)
            try Sockets.setTimeout(socket.raw, seconds: 5)
            return socket
        }

        @Test func `random bytes, half frames and huge lengths close a connection and nothing else`() async throws {
            let server = try Server.standard()
            try await server.start()
            let roles = server.processesByRole
            var generator = SeededGenerator(seed: 0x5EED)
            let hello: [UInt8] = [0, 0, 0, 5, 1, 0, 0, 0, 1]
            for round in 0..<400 {
                let socket = try Self.connect(server)
                var bytes: [UInt8] = round % 2 == 0 ? hello : []
                switch round % 5 {
                case 0: bytes += (0..<Int.random(in: 1...300, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
                case 1: bytes += [0xFF, 0xFF, 0xFF, 0xFF]
                case 2:
                    // A frame of the right form with any content: orders to stop are left out, which are obeyed.
                    let count = UInt8.random(in: 1...20, using: &generator)
                    var body = (0..<count).map { _ in UInt8.random(in: 0...40, using: &generator) }
                    if body[0] == 15 { body[0] = 99 }
                    bytes += [0, 0, 0, count] + body
                case 3: bytes += hello.dropLast(Int.random(in: 1...8, using: &generator))
                default: bytes += [0, 0, 0, 5, 1] + [0, 0, 0, 9]
                }
                // The server may have closed already.
                try? Sockets.sendAll(socket.raw, bytes)
                if round % 3 == 0 { shutdown(socket.raw, CInt(SHUT_WR)) }
            }
            #expect(try server.control("show", "status").code == 0)
            #expect(server.processesByRole == roles)
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `two hundred connections that say nothing keep nobody out for long`() async throws {
            let server = try Server.standard()
            try await server.start()
            var silent: [DescriptorHolder] = []
            for _ in 0..<200 { if let socket = try? Self.connect(server) { silent.append(DescriptorHolder(socket)) } }
            #expect(silent.count == 200)
            // One user has only so many; SMTP goes on in any case.
            #expect(try server.client().greet().code == 250)
            #expect(server.processesByRole.count == 7)
            silent = []
            try await server.eventually("control to answer") { try server.control("show", "status").code == 0 }
        }

        @Test func `a client that does not read its answer holds up nobody`() async throws {
            let server = try Server.standard()
            try await server.start(["-P", "mda"])
            let client = try server.client()
            try client.greet()
            #expect(
                try client.deliver(from: "ada@client.example", to: (0..<900).map { "alice+\($0)@test.example" }, "Subject: s\r\n\r\nx").code
                    == 250)
            let deaf = try Self.connect(server)
            // hello, then "show queue" of all, many times.
            var bytes: [UInt8] = [0, 0, 0, 5, 1, 0, 0, 0, 1]
            for _ in 0..<50 { bytes += [0, 0, 0, 2, 3, 0] }
            try Sockets.sendAll(deaf.raw, bytes)
            #expect(try server.control("show", "status").code == 0)
            #expect(try server.queue().count == 900)
        }

        /// A descriptor in an array.
        private final class DescriptorHolder {
            let descriptor: OwnedDescriptor
            init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
        }
    }
}
