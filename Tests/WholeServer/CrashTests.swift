import Glibc
import Platform
import ServerTesting
import Testing

extension WholeServer {
    /// The promise that the rest is for: what was answered with 250 is delivered, whoever dies when.
    @Suite("SIGKILL at any moment") struct CrashTests {
        /// How many times the server is killed; MARTLET_TEST_KILLS asks for more than a quick run does.
        private static let rounds = environment("MARTLET_TEST_KILLS").flatMap { Int($0) } ?? 32
        /// MARTLET_TEST_SEED repeats the choices of an earlier run.
        private static let seed = environment("MARTLET_TEST_SEED").flatMap { UInt64($0) } ?? .random(in: .min ... .max)

        /// From what the process was started with: a program that is linked into the tests empties what getenv sees.
        private static func environment(_ name: String) -> String? {
            let variables = ((try? Files.read("/proc/self/environ", limit: 1 << 20)) ?? []).split(separator: 0)
            let found = variables.lazy.map { String(decoding: $0, as: UTF8.self) }.first { $0.hasPrefix(name + "=") }
            return found.map { String($0.dropFirst(name.count + 1)) }
        }

        @Test func `loses no message that was answered with 250, and delivers none by halves or twice`() async throws {
            var generator = SeededGenerator(seed: Self.seed)
            let server = try Server.standard()
            let acknowledged = Shared<[String]>([])
            for round in 0..<Self.rounds {
                if round % 8 == 7 {
                    // The start, with its recovery, is a moment like any other.
                    try server.launch()
                    try await Task.sleep(nanoseconds: .random(in: 0...100_000_000, using: &generator))
                    server.killEverything()
                    continue
                }
                try await server.start()
                let port = server.port
                let stop = Flag()
                // Small messages travel inline, big ones in files of their own.
                let clients = [200, 200, 20_000, 700_000].map { size in
                    TestThread { Load.run(port: port, until: stop, size: size) { id in acknowledged.with { $0.append(id) } } }
                }
                // Not a wait for anything: the moment of the kill is the test's input.
                try await Task.sleep(nanoseconds: .random(in: 0...300_000_000, using: &generator))
                let all = server.processes
                let roles = server.processesByRole.sorted { $0.key < $1.key }.map(\.value)
                switch round % 4 {
                case 0:
                    server.killEverything()
                case 1:
                    // Everything but the parent, in any order.
                    for victim in all.dropFirst().shuffled(using: &generator) { kill(victim.id, SIGKILL) }
                case 2:
                    if let victim = all.filter({ $0.title.contains("mail.agent") }).randomElement(using: &generator) { kill(victim.id, SIGKILL) }
                    if let victim = roles.randomElement(using: &generator) { kill(victim.id, SIGKILL) }
                default:
                    if let victim = roles.randomElement(using: &generator) { kill(victim.id, SIGKILL) }
                }
                if server.process != nil {
                    let status = try await server.ended(within: 10)
                    #expect(!status.isSuccess, "round \(round) of seed \(Self.seed)")
                }
                stop.set()
                for client in clients { try await client.finished() }
                try await server.eventually("the end of all processes") { !all.contains(where: ProcessTable.isAlive) }
            }
            try await server.start()
            try await server.drained(within: 60)
            #expect(try await server.stop() == .exited(0))

            let delivered = Load.identifiers(in: server.mail(of: "alice"))
            let lost = Set(acknowledged.current).subtracting(delivered)
            #expect(lost.isEmpty, "\(lost.count) of \(acknowledged.current.count) lost, seed \(Self.seed)")
            #expect(Set(delivered).count == delivered.count, "a Maildir has each once, since its names come from the envelopes")
            #expect(!acknowledged.current.isEmpty)
            for message in server.mail(of: "alice") {
                #expect(message.hasPrefix("Return-Path: <load@client.example>\n"))
                #expect(message.hasSuffix("xxxx\n"))
            }
        }

        @Test func `mail that was deferred, held or rested survives with its state`() async throws {
            let server = try Server.standard(action: "mda \"exit 75\"", options: "ttl 1h")
            try await server.start()
            let client = try server.client()
            try client.greet()
            #expect(
                try client.deliver(from: "ada@client.example", to: ["alice@test.example", "bob@test.example"], "Subject: s\r\n\r\nx").code == 250)
            try await server.eventually("two failures") { try server.queue().filter { $0.tries == 1 }.count == 2 }
            #expect(try server.control("pause", "envelope", "all").code == 0)
            // An outcome may be on its way to the disk for a moment after it was told.
            try await server.eventually("the records") { server.log.contains("TempFail") }
            try await Task.sleep(nanoseconds: 200_000_000)
            server.killEverything()
            try await server.start()
            try await server.eventually("the queue") { try server.queue().count == 2 }
            for line in try server.queue() {
                #expect(line.tries == 1 && line.flags.contains("suspend") && !line.error.isEmpty, "\(line.text)")
            }
            try server.configure(server.standardConfiguration())
            #expect(try server.control("reload").code == 0)
            #expect(try server.control("resume", "envelope", "all").code == 0)
            #expect(try server.control("schedule", "all").code == 0)
            try await server.eventually("both messages") { server.mailCount(of: "alice") == 1 && server.mailCount(of: "bob") == 1 }
        }
    }
}
