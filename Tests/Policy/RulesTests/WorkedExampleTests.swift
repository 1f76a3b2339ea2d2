import Configuration
import Tables
import Testing

@testable import Rules

/// One policy in both languages: local mail with aliases, virtual domains, a banned sender, a smarthost.
@Suite("The same policy in both languages (smtpd.conf(5), EXAMPLES)") struct WorkedExampleTests {
    private func world(_ generation: Generation) -> World {
        var world = World()
        world.settings.generation = generation
        world.map("aliases", ["postmaster": "root", "root": "ada", "list": "ada, bob@example.com"])
        world.list("vdomains", "example.org", "example.net")
        world.map("vusers", ["info@example.org": "ada, bob", "sales@example.org": "vmail", "@example.net": "vmail"])
        world.list("bad", "@bad.example")
        world.action(local("local", .maildir(nil, junk: false)) { $0.aliases = "aliases" })
        world.action(local("virt", .lmtp("/run/dovecot/lmtp", usesRecipientAddress: false)) { $0.virtual = "vusers" })
        world.action(Action(name: "out", kind: .relay(RelayAction())))
        let isOlder = generation == .accept
        let virtual = rule(3, "virt") {
            $0.from = Condition(.any)
            $0.destination = Condition(.domain(TableReference("vdomains")))
        }
        let ban = rule(4, nil) {
            $0.from = Condition(.any)
            $0.sender = Condition(TableReference("bad"))
            $0.destination = Condition(.any)
        }
        func both(_ line: Int, _ name: String, _ destination: Rule.Destination) -> [Rule] {
            let first = rule(line, name) {
                $0.from = Condition(.local(countsAuthenticated: isOlder))
                $0.destination = Condition(destination)
            }
            let authenticated = rule(line + 1, name) {
                $0.from = Condition(.any)
                $0.auth = Condition(.anyone)
                $0.destination = Condition(destination)
            }
            return isOlder ? [first] : [first, authenticated]
        }
        world.rules = both(1, "local", .local) + [virtual, ban] + both(5, "out", .any)
        return world
    }

    @Test(arguments: [Generation.accept, .match])
    func `means the same`(_ generation: Generation) {
        var world = world(generation)
        var stranger = subject(from: network("192.0.2.1"))
        #expect(world.outcome("postmaster@localhost") == ["local:ada for postmaster@localhost"])
        #expect(
            world.outcome("list@mail.example.org") == [
                "local:ada for list@mail.example.org", "out:relay for bob@example.com",
            ])
        #expect(world.outcome("info@example.org", from: stranger) == ["virt:ada for info@example.org", "virt:bob for info@example.org"])
        #expect(world.outcome("any@example.net", from: stranger) == ["virt:vmail for any@example.net"])
        #expect(world.outcome("nobody@example.org", from: stranger) == ["550 5.1.1"])
        #expect(world.outcome("x@elsewhere.example", from: stranger) == ["550 5.7.1"])
        #expect(world.outcome("postmaster@localhost", from: stranger) == ["550 5.7.1"])
        #expect(world.outcome("x@elsewhere.example") == ["out:relay for x@elsewhere.example"])
        stranger.sender = .mailbox(mail("x@bad.example"))
        #expect(world.outcome("x@elsewhere.example", from: stranger) == ["550 5.7.1"])
        stranger.sender = .mailbox(mail("ada@example.org"))
        stranger.isAuthenticated = true
        stranger.user = "ada"
        #expect(world.outcome("x@elsewhere.example", from: stranger) == ["out:relay for x@elsewhere.example"])
        #expect(world.outcome("postmaster@localhost", from: stranger) == ["local:ada for postmaster@localhost"])
    }

    @Test func `small cases`() {
        var world = World()
        world.list("wild", "*.example.com")
        world.list("inside", "10.0.0.0/8")
        world.list("own", "@example.org")
        world.list("bots", "^bot-[0-9]+@example\\.org$")
        world.map("nullmap", ["postmaster": "root@example.net", "bot-1": "root@a.example.com"])
        world.action(Action(name: "backup", kind: .relay(RelayAction())))
        world.action(local("null", .forwardOnly) { $0.aliases = "nullmap" })
        world.rules = [
            rule(1, "backup") {
                $0.from = Condition(.any)
                $0.destination = Condition(.domain(TableReference("wild")))
            },
            rule(2, nil) {
                $0.from = Condition(.addresses(TableReference("inside"), authenticatedIsLocal: false), isNegated: true)
                $0.sender = Condition(TableReference("own"))
                $0.destination = Condition(.any)
            },
            rule(3, "null") {
                $0.from = Condition(.any)
                $0.destination = Condition(.any)
                $0.recipient = Condition(TableReference("bots", isRegex: true))
            },
        ]
        let stranger = subject(from: network("192.0.2.1"), sender: "x@example.net")
        #expect(world.outcome("x@a.b.example.com", from: stranger) == ["backup:relay for x@a.b.example.com"])
        #expect(world.outcome("x@example.com", from: subject(from: network("192.0.2.1"))) == ["550 5.7.1"])
        // The address found in the map goes through the rules again.
        #expect(world.outcome("bot-1@example.org", from: stranger) == ["backup:relay for root@a.example.com"])
        #expect(world.outcome("bot-2@example.org", from: stranger) == ["550 5.1.1"])
        #expect(world.outcome("bot-x@example.org", from: stranger) == ["550 5.7.1"])
    }
}
