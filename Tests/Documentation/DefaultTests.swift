import Configuration
import Testing

@Suite("Defaults in smtpd.conf(5) are the defaults") struct DefaultTests {
    @Test(arguments: [("Queue and limits", Generation.match, 9), ("Global settings", .accept, 4)])
    func `writing a default down changes nothing`(_ section: String, _ generation: Generation, _ least: Int) throws {
        let statements = Self.statements(in: try Repository.page("smtpd.conf.5").body(of: "Ss", section))
        #expect(statements.count >= least)
        for statement in statements {
            #expect(try Self.load(statement, generation) == Self.load("", generation), "\(statement)")
        }
    }

    @Test func `every limit has its default in the page`() throws {
        let source = try Repository.text(of: "Sources/Policy/Configuration/Loader/ConfigurationParser+Limits.swift")
        // Names of limits are the strings that stand for a place in the configuration.
        let names = source.split(separator: "\"", omittingEmptySubsequences: false).map(String.init)
        var declared: Set<String> = []
        for (index, name) in names.enumerated() where index % 2 == 1 && index + 1 < names.count {
            if names[index + 1].hasPrefix(": \\.") || names[index + 1].hasPrefix("] = \\.") { declared.insert(name) }
        }
        let page = try Repository.page("smtpd.conf.5").body(of: "Ss", "Queue and limits")
        let words = Self.statements(in: page).flatMap { $0.split(separator: " ").map(String.init) }
        #expect(declared.count > 25)
        #expect(declared.subtracting(words).sorted() == [])
    }

    // What follows shows that the tests above can fail.

    @Test(arguments: ["queue ttl 5d", "mda limit max-session 51", "mta limit conn-delay-route 6"])
    func `another value changes something`(_ statement: String) throws {
        #expect(try Self.load(statement, .match) != Self.load("", .match))
    }

    @Test func `values are found in the three forms`() {
        let lines = [
            ".It Ic queue ttl Ar delay", "How long.", "The default is 4d.",
            ".It Ic smtp sub-addr-delim Ar character", "The default is", ".Ql + .",
            ".It Ic mda limit Ar name number ...", ".Ic max-session", ".Pq 50 :", "at once.", ".Ic task-release", ".Pq 10",
            ".It Ic queue compression",
            ".It Li max-conn-per-host Ta 10 Ta Li conn-delay-host Ta 0",
        ]
        #expect(
            Self.statements(in: lines) == [
                "queue ttl 4d", "smtp sub-addr-delim \"+\"", "mda limit max-session 50 task-release 10",
                "mta limit max-conn-per-host 10 conn-delay-host 0",
            ])
    }

    /// Statements that say what the items of a list give as defaults: `The default is VALUE.`, a number in
    /// parentheses behind a name, or columns of names and numbers.
    private static func statements(in lines: [String]) -> [String] {
        var statements: [String] = []
        var head = ""
        var pairs = ""
        func endItem() {
            if !pairs.isEmpty { statements.append(head + pairs) }
            pairs = ""
        }
        for (index, line) in lines.enumerated() {
            let next = index + 1 < lines.count ? lines[index + 1] : ""
            if let item = ManualPage.rest(of: line, after: ".It Ic ") {
                endItem()
                head = item.split(separator: " ").prefix { !["Ar", "Op", "Oo"].contains($0) }.joined(separator: " ")
            } else if let columns = ManualPage.rest(of: line, after: ".It Li ") {
                endItem()
                let words = columns.split(separator: " ").filter { $0 != "Ta" && $0 != "Li" }
                statements.append("mta limit " + words.joined(separator: " "))
            } else if let name = ManualPage.rest(of: line, after: ".Ic "), let number = ManualPage.rest(of: next, after: ".Pq ") {
                pairs += " \(name) \(number.prefix { $0 != " " })"
            } else if line.hasSuffix("he default is"), let value = ManualPage.rest(of: next, after: ".Ql ") {
                statements.append("\(head) \"\(value.prefix { $0 != " " })\"")
            } else if let value = line.split(separator: "he default is ").dropFirst().first, line.hasSuffix(".") {
                statements.append("\(head) \(value.dropLast())")
            }
        }
        endItem()
        return statements
    }

    private static func load(_ statement: String, _ generation: Generation) throws -> Configuration {
        let rules = generation == .match ? "action a expand-only\nmatch action a\n" : "accept\n"
        let result = ConfigurationLoader.load(
            text: Array((rules + statement + "\n").utf8), named: "defaults", macros: [], environment: ExampleMachine())
        switch result {
        case .configuration(var configuration, _):
            // What is written holds for smarthosts too, which have defaults of their own.
            configuration.mta.smarthostLimits = .forSmarthosts
            return configuration
        case .failed(let diagnostics): throw Refused(reasons: diagnostics.map(\.description))
        }
    }

    private struct Refused: Error {
        let reasons: [String]
    }
}
