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
