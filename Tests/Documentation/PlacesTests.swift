import Testing

@Suite("Documents name files that exist") struct PlacesTests {
    @Test(arguments: ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "DEVIATIONS.md", "CHANGELOG.md"])
    func `in code spans and links`(_ document: String) throws {
        for place in Self.places(in: try Repository.text(of: document)) {
            #expect(try Repository.exists(place), "\(document) names \(place)")
        }
    }

    @Test func `the walk through the life of a message is checked`() throws {
        #expect(Self.places(in: try Repository.text(of: "ARCHITECTURE.md")).count > 20)
    }

    @Test func `spans and links are found, other text is not`() {
        let text = "See `Sources/A.swift`, `smtpd -n`, [it](man/a.5), [that](https://example.org) and Tests/B."
        #expect(Self.places(in: text) == ["Sources/A.swift", "man/a.5"])
    }

    private static let folders = ["Sources", "compat", "Tests", "man", "packaging"]

    /// Paths between backticks and in links, in order.
    private static func places(in text: String) -> [String] {
        let spans = text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map { String($0.element) }
        let links = text.split(separator: "](", omittingEmptySubsequences: false).dropFirst()
            .compactMap { $0.split(separator: ")", omittingEmptySubsequences: false).first.map(String.init) }
        return spans.filter(isPath) + links.filter { isPath($0) || $0.hasSuffix(".md") }
    }

    private static func isPath(_ text: String) -> Bool {
        !text.contains(" ") && folders.contains { text == $0 || text.hasPrefix($0 + "/") }
    }
}
