import Configuration
import Envelopes
import SMTPProtocol
import Tables
import Testing

@testable import Rules

@Suite("Expansion of a recipient (aliases(5), forward(5))") struct RecipientExpansionTests {
    /// Local mail for mail.example.org by aliases, virtual mail for example.org, everything else relayed.
    private func world(_ change: (inout LocalAction) -> Void = { _ in }) -> World {
        var world = World()
        world.list("virtual", "example.org")
        world.map("aliases", ["postmaster": "root", "ada+vip": "bob"])
        world.map("vmap", ["info@example.org": "ada"])
        world.action(local("local", .mbox) {
            $0.aliases = "aliases"
            change(&$0)
        })
        world.action(local("virt", .command("/bin/mda %{rcpt}")) { $0.virtual = "vmap" })
        world.action(Action(name: "out", kind: .relay(RelayAction())))
        world.rules = [
            rule(1, "local") { $0.from = Condition(.any) },
            rule(2, "virt") {
                $0.from = Condition(.any)
                $0.destination = Condition(.domain(TableReference("virtual")))
            },
            rule(3, "out") { $0.destination = Condition(.any) },
        ]
        return world
    }

    // MARK: Users

    @Test func `a user is delivered to by name, in lower case`() {
        var world = world()
        #expect(world.outcome("Ada@localhost") == ["local:ada for Ada@localhost"])
    }

    @Test func `an unknown user is refused`() {
        var world = world()
        guard case .refused(let reply, let trace) = world.expand("nobody@localhost") else {
            Issue.record("accepted")
            return
        }
        #expect(reply == Reply(550, "5.1.1", "Invalid recipient: <nobody@localhost>"))
        #expect(trace.summary == "rule smtpd.conf:1: no user nobody")
    }

    @Test func `a broken user base is a temporary failure`() {
        var world = world()
        world.broken = ["<getpwnam>"]
        #expect(world.outcome("ada@localhost") == ["451 4.3.0"])
        world.broken = []
        world.map("<getpwnam>", ["ada": "x"])
        #expect(world.outcome("ada@localhost") == ["451 4.3.0"])
    }

    @Test func `a sub-address goes along and is looked up first`() {
        var world = world()
        #expect(world.outcome("ada+lists@localhost") == ["local:ada+lists for ada+lists@localhost"])
        #expect(world.outcome("ada+vip@localhost") == ["local:bob for ada+vip@localhost"])
        #expect(world.outcome("ada+@localhost") == ["local:ada+ for ada+@localhost"])
        #expect(world.outcome("+ada@localhost") == ["550 5.1.1"])
        world.settings.generation = .accept
        #expect(world.outcome("ada+vip@localhost") == ["local:ada+vip for ada+vip@localhost"])
    }

    @Test func `the delimiter is configured`() {
        var world = world()
        world.settings.subaddressDelimiter = UInt8(ascii: "-")
        #expect(world.outcome("ada-lists@localhost") == ["local:ada+lists for ada-lists@localhost"])
    }

    @Test func `a hostile local part stays a name that nobody has`() {
        var world = world()
        for name in ["|/bin/sh", "/etc/passwd", ":include:/etc/passwd", "error:550 x", "../ada", "a, b", "\\ada"] {
            #expect(world.outcome("\(name)@localhost") == ["550 5.1.1"])
        }
    }

    // MARK: Aliases

    @Test func `aliases are followed to the end`() {
        var world = world()
        world.map("aliases", ["a": "b", "b": "c", "c": "Ada"])
        #expect(world.outcome("A@localhost") == ["local:ada for A@localhost"])
    }

    @Test func `an alias may lead to users, addresses, commands, files and includes`() {
        var world = world()
        world.map("aliases", ["list": "ada, x@far.example, \"|/bin/archive -a\", /var/archive, :include:/etc/list"])
        world.includes["/etc/list"] = .content(Array("# members\nbob\nada, y@far.example\n:include:/etc/other\n".utf8))
        #expect(
            world.outcome("list@localhost") == [
                "local:ada for list@localhost", "out:relay for x@far.example",
                "local:-|/bin/archive -a for list@localhost", "local:->/var/archive for list@localhost",
                "local:bob for list@localhost", "out:relay for y@far.example",
            ])
    }

    @Test func `an alias that names itself stops there`() {
        var world = world()
        world.map("aliases", ["ada": "ada, bob", "bob": "\\bob"])
        #expect(world.outcome("ada@localhost") == ["local:ada for ada@localhost", "local:bob for ada@localhost"])
    }

    @Test func `the .forward of a user whose alias names it is still read`() {
        var world = world()
        world.map("aliases", ["ada": "ada, bob"])
        world.forward("ada", "x@far.example")
        #expect(world.outcome("ada@localhost") == ["local:bob for ada@localhost", "out:relay for x@far.example"])
    }

    @Test func `an unreadable alias or table is a temporary failure`() {
        var world = world()
        world.map("aliases", ["a": "b c", "b": ""])
        #expect(world.outcome("a@localhost") == ["451 4.3.0"])
        #expect(world.outcome("b@localhost") == ["451 4.3.0"])
        world.broken = ["aliases"]
        #expect(world.outcome("ada@localhost") == ["451 4.3.0"])
    }

    @Test func `an error item is the reply`() {
        var world = world()
        world.map(
            "aliases",
            ["a": "error:550 no such user", "b": "ada, error:451 4.2.1 later", "c": "error:550 4.2.1 odd"])
        for (name, expected) in [
            ("a", Reply(550, "5.0.0", "no such user")), ("b", Reply(451, "4.2.1", "later")),
            ("c", Reply(550, "5.0.0", "4.2.1 odd")),
        ] {
            guard case .refused(let reply, _) = world.expand("\(name)@localhost") else {
                Issue.record("accepted")
                continue
            }
            #expect(reply == expected)
        }
    }

    @Test func `one failure refuses the whole list`() {
        var world = world()
        world.map("aliases", ["list": "ada, nobody, bob"])
        #expect(world.outcome("list@localhost") == ["550 5.1.1"])
    }

    @Test func `an include that cannot be read is skipped, but nobody is lost for good`() {
        var world = world()
        world.map("aliases", ["list": "ada, :include:/gone", "only": ":include:/gone"])
        #expect(world.outcome("list@localhost") == ["local:ada for list@localhost"])
        #expect(world.outcome("only@localhost") == ["450 4.2.4"])
        world.includes["/gone"] = .content([])
        #expect(world.outcome("only@localhost") == ["550 5.2.4"])
        world.includes["/gone"] = .content(Array("a b\n".utf8))
        #expect(world.outcome("list@localhost") == ["451 4.3.0"])
    }

    // MARK: Virtual maps

    @Test func `a virtual map is tried from the most exact key to the least`() {
        let order = ["ada+x@example.org", "ada@example.org", "ada+x", "ada", "@example.org", "@"]
        for first in order.indices {
            var world = world()
            var entries: [String: String] = [:]
            for key in order[first...] { entries[key] = "u\(order.firstIndex(of: key)!)@far.example" }
            world.map("vmap", entries)
            #expect(world.outcome("Ada+X@Example.org") == ["out:relay for u\(first)@far.example"])
        }
    }

    @Test func `the older language looks for no sub-address`() {
        var world = world()
        world.settings.generation = .accept
        world.map("vmap", ["ada+x@example.org": "wrong@far.example", "ada@example.org": "right@far.example"])
        #expect(world.outcome("ada+x@example.org") == ["out:relay for right@far.example"])
    }

    @Test func `an address that the map does not know is refused`() {
        var world = world()
        #expect(world.outcome("ada@example.org") == ["550 5.1.1"])
        #expect(world.outcome("info@example.org") == ["virt:ada for info@example.org"])
    }

    @Test func `a user found in the map is looked up there again, but for catch-alls`() {
        var world = world()
        world.map("vmap", ["info@example.org": "ada", "ada": "bob", "@": "root"])
        #expect(world.outcome("info@example.org") == ["virt:bob for info@example.org"])
        world.settings.generation = .accept
        #expect(world.outcome("info@example.org") == ["virt:ada for info@example.org"])
        world.settings.generation = .match
        world.map("vmap", ["@": "ada"])
        #expect(world.outcome("info@example.org") == ["virt:ada for info@example.org"])
    }

    @Test func `addresses under expansion are internal and pass the rules again`() {
        var world = world()
        world.map("vmap", ["info@example.org": "x@far.example"])
        let stranger = subject(from: network("192.0.2.1"))
        #expect(world.outcome("info@example.org", from: stranger) == ["out:relay for x@far.example"])
        #expect(world.outcome("x@far.example", from: stranger) == ["550 5.7.1"])
    }

    // MARK: .forward

    @Test func `a .forward leads on, with the user's rights for commands and files`() {
        var world = world()
        world.forward("ada", "# mine\n\"|/usr/bin/filter, x\", /home/ada/copy\nx@far.example\n")
        #expect(
            world.outcome("ada@localhost") == [
                "local:ada|/usr/bin/filter, x for ada@localhost", "local:ada>/home/ada/copy for ada@localhost",
                "out:relay for x@far.example",
            ])
    }

    @Test func `a .forward that names the user keeps a copy`() {
        var world = world()
        world.forward("ada", "\\ada, x@far.example")
        #expect(world.outcome("ada@localhost") == ["local:ada for ada@localhost", "out:relay for x@far.example"])
        #expect(world.forwardsRead == ["ada"])
        #expect(world.outcome("ada+tag@localhost") == ["local:ada for ada+tag@localhost", "out:relay for x@far.example"])
    }

    @Test func `an empty .forward forwards nothing`() {
        var world = world()
        world.forward("ada", "# nothing\n\n")
        #expect(world.outcome("ada@localhost") == ["local:ada for ada@localhost"])
    }

    @Test func `a .forward that cannot or must not be read fails`() {
        var world = world()
        world.forwards["ada"] = .temporaryFailure("sticky home")
        #expect(world.outcome("ada@localhost") == ["451 4.3.0"])
        world.forwards["ada"] = .permanentFailure("writable by others")
        #expect(world.outcome("ada@localhost") == ["550 5.2.0"])
        world.forward("ada", "a b")
        #expect(world.outcome("ada@localhost") == ["451 4.3.0"])
    }

    @Test func `includes in a .forward are ignored`() {
        var world = world()
        world.forward("ada", ":include:/etc/list, bob")
        #expect(world.outcome("ada@localhost") == ["local:bob for ada@localhost"])
    }

    @Test func `root's .forward runs nothing`() {
        var world = world()
        world.forward("root", "|/bin/cat")
        #expect(world.outcome("root@localhost") == ["451 4.3.0"])
        world.forward("root", "/var/archive")
        #expect(world.outcome("root@localhost") == ["451 4.3.0"])
        world.forward("root", "ada")
        #expect(world.outcome("root@localhost") == ["local:ada for root@localhost"])
    }

    @Test func `under action user only that user's .forward is read`() {
        var world = world { $0.user = "vmail" }
        world.forward("ada", "x@far.example")
        world.forward("vmail", "y@far.example")
        #expect(world.outcome("ada@localhost") == ["local:ada for ada@localhost"])
        #expect(world.outcome("vmail@localhost") == ["out:relay for y@far.example"])
        #expect(world.forwardsRead == ["vmail"])
    }

    @Test func `a hundred forwarded items are followed and one more is too many`() {
        for (count, expected) in [(100, 100), (101, 1)] {
            var world = world()
            world.forward("ada", (0..<count).map { "x\($0)@far.example" }.joined(separator: "\n"))
            #expect(world.outcome("ada@localhost").count == expected)
        }
        var world = world()
        world.forward("ada", "bob\n" + (0..<60).map { "x\($0)@far.example" }.joined(separator: "\n"))
        world.forward("bob", (0..<40).map { "y\($0)@far.example" }.joined(separator: "\n"))
        #expect(world.outcome("ada@localhost") == ["450 4.2.4"])
    }

    // MARK: forward-only and expand-only

    @Test func `forward-only wants every user forwarded`() {
        var world = world { $0.method = .forwardOnly }
        #expect(world.outcome("ada@localhost") == ["450 4.2.4"])
        world.forward("ada", "x@far.example")
        #expect(world.outcome("ada@localhost") == ["out:relay for x@far.example"])
        world.forward("ada", "ada, x@far.example")
        #expect(world.outcome("ada@localhost") == ["450 4.2.4"])
        for item in ["/var/archive", "|/bin/cat", "error:550 x"] {
            world.forward("ada", item)
            #expect(world.outcome("ada@localhost") == ["451 4.3.0"])
        }
    }

    @Test func `expand-only refuses a user that is left over`() {
        var world = world { $0.method = .expandOnly }
        #expect(world.outcome("ada@localhost") == ["550 5.2.4"])
        world.forward("ada", "/var/archive")
        #expect(world.outcome("ada@localhost") == ["local:ada>/var/archive for ada@localhost"])
        world.map("aliases", ["team": "x@far.example"])
        #expect(world.outcome("team@localhost") == ["out:relay for x@far.example"])
    }

    // MARK: Loops, depth, duplicates

    @Test func `a loop ends and leads to nobody`() {
        var world = world()
        world.map("aliases", ["a": "b", "b": "a"])
        #expect(world.outcome("a@localhost") == ["550 5.2.4"])
        world.map("vmap", ["a@example.org": "b@example.org", "b@example.org": "A@example.org"])
        world.forward("ada", "bob")
        world.forward("bob", "ada")
        #expect(world.outcome("ada@localhost") == ["550 5.2.4"])
        world.forward("bob", "ada, bob")
        #expect(world.outcome("ada@localhost") == ["local:bob for ada@localhost"])
    }

    @Test func `ten steps are too deep and nine are not`() {
        var world = world()
        var chain: [String: String] = [:]
        for step in 0..<8 { chain["a\(step)"] = "a\(step + 1)" }
        chain["a7"] = "x@far.example"
        world.map("aliases", chain)
        // The address, a0 to a7 and the last address: steps 0 to 9.
        #expect(world.outcome("a0@localhost") == ["out:relay for x@far.example"])
        chain["a7"] = ":include:/i"
        world.includes["/i"] = .content(Array("x@far.example".utf8))
        world.map("aliases", chain)
        #expect(world.outcome("a0@localhost") == ["out:relay for x@far.example"])
        chain["b"] = "a0"
        world.map("aliases", chain)
        #expect(world.outcome("b@localhost") == ["550 5.2.4"])
    }

    @Test func `what is reached twice is delivered to once`() {
        var world = world()
        world.map("aliases", ["list": "ada, more, X@far.example", "more": "ada, bob, X@FAR.example"])
        #expect(
            world.outcome("list@localhost") == [
                "local:ada for list@localhost", "out:relay for X@far.example", "local:bob for list@localhost",
            ])
    }

    @Test func `one mailbox gets one copy whatever address led to it`() {
        var world = world()
        world.map("aliases", ["list": "ada@localhost, ada@mail.example.org, ada"])
        #expect(world.outcome("list@localhost").count == 1)
        // A command may tell the addresses apart.
        world.map("vmap", ["all@example.org": "a@example.org, b@example.org", "a@example.org": "vmail", "b@example.org": "vmail"])
        #expect(world.outcome("all@example.org") == ["virt:vmail for a@example.org", "virt:vmail for b@example.org"])
    }

    @Test func `a list of thousands is expanded, in bounded size and time`() {
        var world = world()
        world.map("aliases", ["list": ":include:/etc/list"])
        world.includes["/etc/list"] = .content(Array((0..<5_000).map { "u\($0)@far.example\n" }.joined().utf8))
        let elapsed = ContinuousClock().measure { #expect(world.outcome("list@localhost").count == 5_000) }
        #expect(elapsed < .seconds(20))
        #expect(world.expand("list@localhost").trace.entries.count == ExpansionTrace.maximumEntries)
        world.includes["/etc/list"] = .content(Array((0..<10_001).map { "u\($0)@far.example\n" }.joined().utf8))
        #expect(world.outcome("list@localhost") == ["451 4.3.0"])
    }

    @Test func `a rule may name no action that is not there`() {
        var world = world()
        world.actions = [:]
        #expect(world.outcome("ada@localhost") == ["451 4.3.0"])
    }

    @Test func `the summary names the rule that decided and the reason`() {
        var world = world()
        #expect(world.expand("ada@localhost").trace.summary == "rule smtpd.conf:1: 1 delivery")
        #expect(
            world.expand("x@far.example", from: subject(from: network("192.0.2.1"))).trace.summary == "no rule matched")
        world.map("aliases", ["list": "ada@example.org, bob"])
        #expect(
            world.expand("list@localhost").trace.summary
                == "rule smtpd.conf:2: ada@example.org is not in the virtual map")
    }

    @Test func `the alias tables of a configuration are known`() {
        var configuration = Configuration(generation: .match, serverName: "mail.example.org")
        configuration.actions = world().actions
        #expect(configuration.aliasTables == ["aliases", "vmap"])
    }
}
