import SeededTesting
import TableProgram
import Tables
import Testing

@Suite("The table protocol, version 0.1, seen from the program") struct ProtocolTests {
    private static let greeting = "config|smtpd-version|7.8.0\nconfig|protocol|0.1\nconfig|tablename|people\nconfig|ready\n"

    private func request(_ line: String) throws -> ProgramRequest { try ProgramRequest(line: Array(line.utf8)) }

    @Test(arguments: [
        ("table|0.1|1713795097.394049|people|update|478ff0d2", ProgramRequest.Kind.update, nil, "478ff0d2", ""),
        ("table|0.1|1.2|people|check|netaddr|478ff0d2|192.0.2.1", .check, .netaddr, "478ff0d2", "192.0.2.1"),
        ("table|0.1|1.2|people|lookup|alias|478ff0d2|ada", .lookup, .alias, "478ff0d2", "ada"),
        ("table|0.1|1.2|people|lookup|alias|1|a|b||", .lookup, .alias, "1", "a|b||"),
        ("table|0.1|1.2|people|lookup|alias|1|", .lookup, .alias, "1", ""),
        ("table|0.1|1.2||fetch|source|1", .fetch, .source, "1", ""),
        ("table|0.1|1.2|people|lookup|colour|1|x", .lookup, nil, "1", "x"),
    ] as [(String, ProgramRequest.Kind, TableService?, String, String)])
    func `requests`(_ line: String, _ kind: ProgramRequest.Kind, _ service: TableService?, _ id: String, _ key: String) throws {
        let request = try request(line)
        #expect(request.kind == kind)
        #expect(request.service == service)
        #expect(String(decoding: request.identifier, as: UTF8.self) == id)
        #expect(String(decoding: request.key, as: UTF8.self) == key)
    }

    @Test(arguments: [
        ("", ProgramRequest.Problem.malformed), ("table|0.1|1|x|update", .malformed), ("tables|0.1|1|x|update|1", .malformed),
        ("table|0.2|1|x|update|1", .version), ("table|0.1|1|x|delete|1", .operation), ("table|0.1|1|x|update|", .identifier),
        ("table|0.1|1|x|update|1|2", .identifier), ("table|0.1|1|x|check|alias|1", .malformed),
        ("table|0.1|1|x|check|alias||k", .identifier), ("table|0.1|1|x|fetch|source|1|2", .identifier),
        ("table|0.1|1|x|fetch|source|\(String(repeating: "1", count: 33))", .identifier),
    ])
    func `what is no request`(_ line: String, _ problem: ProgramRequest.Problem) {
        #expect(throws: problem) { try request(line) }
    }

    @Test func `an id may have 32 octets`() throws {
        #expect(try request("table|0.1|1|x|update|\(String(repeating: "1", count: 32))").identifier.count == 32)
    }

    @Test func `answers`() throws {
        func answer(_ answer: ProgramAnswer, _ text: String) throws -> String {
            String(decoding: answer.line(for: try request(text)), as: UTF8.self)
        }
        let lookup = "table|0.1|1|x|lookup|alias|7|ada"
        #expect(try answer(.found(Array("a|b, c".utf8)), lookup) == "lookup-result|7|found|a|b, c\n")
        #expect(try answer(.notFound, lookup) == "lookup-result|7|not-found\n")
        #expect(try answer(.failed("a\nb\u{0}\u{7F}c|d"), lookup) == "lookup-result|7|error|a b  c|d\n")
        #expect(try answer(.failed(String(repeating: "x", count: 1000)), lookup).utf8.count == "lookup-result|7|error|".count + 401)
        #expect(try answer(.found(nil), "table|0.1|1|x|check|alias|7|ada") == "check-result|7|found\n")
        #expect(try answer(.found(Array("192.0.2.1".utf8)), "table|0.1|1|x|fetch|source|7") == "fetch-result|7|found|192.0.2.1\n")
        #expect(try answer(.updated, "table|0.1|1|x|update|7") == "update-result|7|ok\n")
    }

    @Test func `a conversation in pieces of every size is the same conversation`() throws {
        let text = Array((Self.greeting + "table|0.1|1|people|update|1\ntable|0.1|1|people|lookup|alias|2|ada\n").utf8)
        for size in 1...text.count {
            var conversation = ProgramConversation()
            var events: [ProgramConversation.Event] = []
            for start in stride(from: 0, to: text.count, by: size) {
                events += try conversation.receive(text[start..<min(start + size, text.count)])
            }
            #expect(events == [
                .configured(tableName: "people"), .request(try request("table|0.1|1|people|update|1")),
                .request(try request("table|0.1|1|people|lookup|alias|2|ada")),
            ])
        }
    }

    @Test func `services are registered one by one`() {
        #expect(ProgramConversation.registration(of: [.alias, .mailaddrmap])
            == Array("register|alias\nregister|mailaddrmap\nregister|ready\n".utf8))
    }

    @Test(arguments: ["hello\n", "config\n", "table|0.1|1|x|update|1\n", "\n"])
    func `nothing comes before the configuration`(_ text: String) {
        var conversation = ProgramConversation()
        #expect(throws: ProgramConversation.Problem.self) { try conversation.receive(Array(text.utf8)) }
    }

    @Test func `a line has a limit, with its end and without`() throws {
        let limit = ProgramConversation.maximumLine
        let start = "config|x|"
        for (count, isGood) in [(limit, true), (limit + 1, false)] {
            let line = Array((start + String(repeating: "x", count: count - start.utf8.count)).utf8)
            for end in [[], [UInt8(ascii: "\n")]] {
                var conversation = ProgramConversation()
                #expect(((try? conversation.receive(line + end)) != nil) == isGood)
            }
        }
    }

    @Test func `no input makes it trap`() {
        let text = Array((Self.greeting + "table|0.1|1|people|lookup|alias|2|ada\ntable|0.1|1|x|fetch|source|3\n").utf8)
        for input in HostileInputs.variants(of: text) {
            var conversation = ProgramConversation()
            _ = try? conversation.receive(input)
        }
    }
}
