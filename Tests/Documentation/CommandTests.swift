import Testing

@Suite("Pages about programs list what the programs have") struct CommandTests {
    private static func documented() throws -> Set<String> {
        let body = try Repository.page("smtpctl.8").body(of: "Sh", "COMMANDS").prefix { !$0.hasPrefix(".Ss ") }
        return CommandList.documented(in: Array(body))
    }

    private static func declared() throws -> Set<String> {
        let files = try Repository.names(in: "Sources/Programs/smtpctl").filter { $0.hasPrefix("Commands") }
        let source = try files.map { try Repository.text(of: "Sources/Programs/smtpctl/\($0)") }.joined()
        let messages = try Repository.text(of: "Sources/Processes/ControlMessages/ClientToControl.swift")
        let targets = try #require(quoted(in: source, after: "for target in [", before: "]").first)
        let services = try #require(quoted(in: messages, after: "enum ControlService", before: "}").first)
        return CommandList.declared(
            in: source,
            values: [
                "target": targets.split(separator: ",").map { String($0.filter { !" \"".contains($0) }) },
                "service": quoted(in: services, after: "case ", before: " ="),
            ])
    }

    @Test func `smtpctl(8) has every command and no other`() throws {
        let documented = try Self.documented()
        let declared = try Self.declared()
        #expect(declared.count > 20)
        #expect(declared.subtracting(documented).sorted() == [], "not in the page")
        #expect(documented.subtracting(declared).sorted() == [], "not in the program")
    }

    @Test func `calls of smtpctl in examples are commands`() throws {
        let commands = try Self.documented()
        var count = 0
        for name in ["smtpctl.8", "smtpd.8"] {
            for line in try Repository.page(name).examples("shell").flatMap({ $0.text.split(separator: "\n") }) {
                for call in String(line).split(separator: "smtpctl ").dropFirst() {
                    let words = call.split(separator: " ").map(String.init).prefix { !["&&", "|", ">", "<"].contains($0) }.filter { $0 != "--json" }
                        .map { $0.filter { $0 != "'" } }
                    #expect(CommandList.command(of: Array(words), among: commands) != nil, "\(name): \(line)")
                    count += 1
                }
            }
        }
        #expect(count >= 8)
    }

    @Test func `smtpctl(8) has every counter and no other`() throws {
        let folders = ["ControlProcess", "CryptoProcess", "DispatcherProcess", "LookupProcess", "ParentProcess", "QueueProcess", "SchedulerProcess"]
        var declared: Set<String> = ["uptime.human"]
        for folder in folders {
            for file in try Repository.names(in: "Sources/Processes/\(folder)") where file.hasSuffix(".swift") {
                let source = try Repository.text(of: "Sources/Processes/\(folder)/\(file)")
                declared.formUnion(quoted(in: source, after: "Statistic(key: \"", before: "\""))
            }
        }
        let lines = try Repository.page("smtpctl.8").body(of: "Ss", "Counters").prefix { $0 != ".El" }
        let documented = Set(lines.compactMap { ManualPage.rest(of: $0, after: ".It Li ") })
        #expect(documented.symmetricDifference(declared).sorted() == [])
    }

    @Test func `smtpd(8) has every option but the hidden -x, and no other`() throws {
        let source = try Repository.text(of: "Sources/Programs/smtpd/Arguments.swift")
        let letters = quoted(in: source, after: "case \"", before: "\":").filter { $0.count == 1 && $0 != "x" }
        let words = quoted(in: source, after: "word == \"--", before: "\"").filter { !$0.isEmpty }.map { "-\($0)" }
        let items = try Repository.page("smtpd.8").body(of: "Ss", "Options").compactMap {
            ManualPage.rest(of: $0, after: ".It Fl ")?.split(separator: " ").first.map(String.init)
        }
        #expect(letters.count > 5)
        #expect(Set(items).symmetricDifference(letters + words).sorted() == [])
    }

    // What follows shows that the tests above can fail.

    @Test func `alternatives and optional parameters are all commands`() {
        let lines = [".It Cm show queue Op Ar message-id", ".It Cm remove Ar envelope-id | Cm all", "Text."]
        #expect(
            CommandList.documented(in: lines)
                == ["show queue", "show queue <message-id>", "remove <envelope-id>", "remove all"])
    }

    @Test func `declarations are found with what is interpolated`() {
        let source = #"command("stop") { } command("pause \(service)"), command("show <evpid>")"#
        #expect(
            CommandList.declared(in: source, values: ["service": ["mda", "mta"]])
                == ["stop", "pause mda", "pause mta", "show <envelope-id>"])
    }

    @Test(arguments: [
        ("show envelope 5f3a9c1e00d1b2c4", true), ("show envelope 5f3a9c1e", false), ("show", false),
        ("show envelope pigeonpigeonpige", false),
    ])
    func `a call is a command word by word`(_ call: String, _ isOne: Bool) {
        let words = call.split(separator: " ").map(String.init)
        #expect((CommandList.command(of: words, among: ["show envelope <envelope-id>"]) != nil) == isOne)
    }
}
