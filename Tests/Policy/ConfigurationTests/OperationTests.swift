import MailSyntax
import Testing

@testable import Configuration

private let ends: [Generation: String] = [.match: "\nmatch reject\n", .accept: "\nreject for any\n"]

@Suite("Statements about operation, in both languages (smtpd.conf(5))") struct OperationTests {
    private static let generations: [Generation] = [.match, .accept]

    private func settings(_ text: String, _ generation: Generation) throws -> OperationSettings {
        try configuration(text + (ends[generation] ?? "")).operation
    }

    @Test(arguments: generations) func `without them nobody reads, nothing is served, and the log is the system's`(_ generation: Generation) throws {
        #expect(try settings("", generation) == OperationSettings())
    }

    @Test(arguments: generations) func `each statement is taken`(_ generation: Generation) throws {
        let found = try settings(
            """
            control group "vmail"
            metrics on socket "/run/m.sock"
            metrics on 127.0.0.1
            metrics on ::1 port 9000
            metrics on localhost port 9001
            log to journal as json
            """, generation)
        #expect(found.readersGroup == "vmail")
        #expect(
            found.metrics == [
                .socket("/run/m.sock"), .loopback(.v4(0x7F00_0001), port: 9_925), .loopback(.v6(high: 0, low: 1), port: 9_000),
                .loopback(.v4(0x7F00_0001), port: 9_001),
            ])
        #expect(found.log.target == .journal && found.log.format == .json)
        #expect(try settings("log to stderr", generation).log.format == .text)
        #expect(try settings("log to syslog as text", generation).log.target == .syslog)
    }

    @Test(arguments: generations) func `their words are still names of macros`(_ generation: Generation) throws {
        #expect(try settings("log = journal\nmetrics = x\ncontrol = y\nlog to $log", generation).log.target == .journal)
    }

    @Test(arguments: [
        ("control group \"\"", "the name of the group is empty"), ("control socket x", "syntax error"), ("metrics on 192.0.2.1", "metrics are for this machine alone"),
        ("metrics on 0.0.0.0", "metrics are for this machine alone"), ("metrics on lo0", "metrics are for this machine alone"),
        ("metrics on socket \"run/m\"", "not an absolute path"), ("metrics on socket \"/a\"\nmetrics on socket \"/a\"", "served there already"),
        ("metrics on 127.0.0.1 port 0", "invalid port"), ("log to file", "unknown log: file"), ("log to syslog as xml", "unknown format: xml"),
        ("log brief", "syntax error"), ("control", "syntax error"), ("metrics on", "syntax error"),
    ])
    func `is refused`(_ text: String, because reason: String) {
        for (generation, end) in ends {
            let found = errors(text + end)
            #expect(found.count == 1 && found[0].contains(reason), "\(generation): \(found)")
        }
    }

    @Test func `the converter keeps what they mean`() throws {
        let text = "control group vmail\nmetrics on socket \"/run/m\"\nmetrics on ::1 port 7\nlog to journal as json\naccept from local for any relay\n"
        let old = try configuration(text)
        let new = try configuration(try convert(text))
        #expect(old.generation == .accept && new.generation == .match && new.operation == old.operation)
        #expect(new.operation.metrics.count == 2 && new.operation.readersGroup == "vmail")
    }

    @Test func `a group that is not there is warned of`() throws {
        guard case .configuration(let found, let notes) = load("control group nosuch\nmatch reject\n") else {
            return #expect(Bool(false))
        }
        #expect(found.operation.readersGroup == "nosuch" && notes.contains { $0.message.hasPrefix("no such group: nosuch") })
    }

    @Test func `a path is as long as the kernel takes`() throws {
        _ = try settings("metrics on socket \"/" + String(repeating: "a", count: 106) + "\"", .match)
        #expect(errors("metrics on socket \"/" + String(repeating: "a", count: 107) + "\"\nmatch reject\n").count == 1)
    }
}
