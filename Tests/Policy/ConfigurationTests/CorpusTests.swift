import Testing

@testable import Configuration

@Suite(
    "Configurations of real hosts",
    .enabled(if: !Corpus.rows.isEmpty, "set MARTLET_CORPUS to the folder of the corpus"))
struct CorpusTests {
    @Test(arguments: Corpus.rows)
    func `gets the verdict of the daemon it was written for`(_ row: Corpus.Row) {
        let machine = PermissiveMachine(for: row.text)
        let result = ConfigurationLoader.load(text: row.text, named: "CONF", macros: [], environment: machine)
        switch result {
        case .configuration:
            #expect(row.expectation == "ok")
        case .failed(let diagnostics):
            let mistakes = diagnostics.filter { $0.severity == .error }
            #expect(row.expectation == "error", "\(mistakes.map(\.description))")
            if let line = row.line {
                let first = mistakes.first { $0.location != nil }
                #expect(first?.location?.line == line, "\(mistakes.map(\.description))")
            }
        }
    }
}

@Suite(
    "Conversion of real 5.4 configurations",
    .enabled(if: !Corpus.rows.isEmpty, "set MARTLET_CORPUS to the folder of the corpus"))
struct CorpusConversionTests {
    @Test(arguments: Corpus.rows.filter { $0.expectation == "ok" })
    func `loads as 7.x, with as many listeners, and keeps every comment`(_ row: Corpus.Row) throws {
        let machine = PermissiveMachine(for: row.text)
        let result = ConfigurationConverter.convert(text: row.text, named: "CONF", macros: [], environment: machine)
        switch result {
        case .failed(let diagnostics):
            Issue.record("\(diagnostics.map(\.description))")
        case .unchanged(let text, _):
            #expect(row.generation == "7.x")
            #expect(text == row.text)
        case .converted(let text, _):
            #expect(row.generation == "5.4")
            guard
                case .configuration(let before, _) = ConfigurationLoader.load(
                    text: row.text, named: "CONF", macros: [], environment: machine),
                case .configuration(let after, _) = ConfigurationLoader.load(
                    text: text, named: "CONF", macros: [], environment: machine)
            else {
                Issue.record("one of the two does not load")
                return
            }
            #expect(after.generation == .match)
            #expect(after.listeners.map(\.port) == before.listeners.map(\.port))
            #expect(after.listeners.map(\.tls) == before.listeners.map(\.tls))
            #expect(Set(after.actions.keys) == Set(before.actions.keys))
            #expect(after.rules.count >= before.rules.count)
            let lines = Set(text.split(separator: 0x0A).map(Array.init))
            for line in row.text.split(separator: 0x0A) where line.first == UInt8(ascii: "#") && line.last != UInt8(ascii: "\\") {
                #expect(lines.contains(Array(line)), "\(String(decoding: line, as: UTF8.self))")
            }
        }
    }
}
