import ServerTesting
import Testing

@Suite("CONFORMANCE.md says what the tests say") struct ConformanceTests {
    @Test func `the page is what Tests/conformance makes of the tests`() throws {
        let run = try Programs.run(
            "/usr/bin/env", ["python3", "\(Repository.root)/Tests/conformance"], environment: ["PYTHONDONTWRITEBYTECODE=1"],
            identity: nil)
        try #require(run.code == 0, "\(run)")
        let kept = try Repository.text(of: "CONFORMANCE.md")
        #expect(run.output == kept, "run Tests/conformance --write")
    }

    @Test func `the standards that a mail server is made of have rows`() throws {
        let page = try Repository.text(of: "CONFORMANCE.md")
        for number in [1870, 2033, 2920, 3030, 3207, 3461, 3464, 4954, 5321, 5322, 6152, 6409, 6531, 8314] {
            #expect(page.contains("\n## RFC \(number)"), "RFC \(number)")
        }
    }
}
