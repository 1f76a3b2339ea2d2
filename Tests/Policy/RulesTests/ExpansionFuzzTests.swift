import Configuration
import SeededTesting
import Tables
import Testing

@testable import Rules

@Suite("Expansion of hostile content") struct ExpansionFuzzTests {
    /// Random maps and files, full of loops; whatever they hold, the machine ends.
    @Test func `always ends within its limits`() {
        var random = SplitMix64(seed: 23)
        let names = ["ada", "bob", "root", "a", "b", "c", "a+x"]
        let items =
            names + ["a@example.org", "b@example.org", "x@far.example", "|/bin/cat", "/file", ":include:/i", "error:450 x", "b c"]
        func value() -> String {
            (0..<Int.random(in: 1...4, using: &random)).map { _ in items.randomElement(using: &random)! }.joined(separator: ", ")
        }
        for _ in 0..<1_500 {
            var world = World()
            world.settings.generation = Bool.random(using: &random) ? .match : .accept
            world.list("virtual", "example.org")
            var aliases: [String: String] = [:]
            var map: [String: String] = [:]
            for name in names where Bool.random(using: &random) {
                aliases[name] = value()
                map["\(name)@example.org"] = value()
                if Bool.random(using: &random) { map[name] = value() }
                if Bool.random(using: &random) { world.forward(name, value()) }
            }
            world.map("aliases", aliases)
            world.map("vmap", map)
            world.includes["/i"] = .content(Array(value().utf8))
            world.action(local("local", [.mbox, .forwardOnly, .expandOnly].randomElement(using: &random)!) { $0.aliases = "aliases" })
            world.action(local("virt", .mbox) { $0.virtual = "vmap" })
            world.action(Action(name: "out", kind: .relay(RelayAction())))
            world.rules = [
                rule(1, "local"),
                rule(2, "virt") { $0.destination = Condition(.domain(TableReference("virtual"))) },
                rule(3, "out") { $0.destination = Condition(.any) },
            ]
            for recipient in ["a@localhost", "a+x@example.org", "ada@example.org"] {
                switch world.expand(recipient) {
                case .accepted(let deliveries, _):
                    #expect(!deliveries.isEmpty)
                    #expect(Set(deliveries).count == deliveries.count)
                case .refused(let reply, _):
                    #expect(reply.code >= 400)
                }
            }
        }
    }
}
