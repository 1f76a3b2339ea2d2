import Testing

@Suite("Every page of the manual is whole") struct PageTests {
    @Test func `pages begin with NAME, SYNOPSIS and DESCRIPTION`() throws {
        let pages = try Repository.names(in: "man")
        #expect(pages.count >= 6)
        for name in pages {
            #expect(Self.missingSections(in: try Repository.page(name)) == [], "man/\(name)")
        }
    }

    @Test func `a page is called what its file is called`() throws {
        for name in try Repository.names(in: "man") {
            let parts = name.split(separator: ".")
            let section = try #require(parts.last)
            let title = parts.dropLast().joined(separator: ".")
            let page = try Repository.page(name)
            #expect(page.lines.contains(".Dt \(title.uppercased()) \(section)"), "man/\(name)")
            #expect(page.body(of: "Sh", "NAME").contains { $0.hasPrefix(".Nm \(title)") }, "man/\(name)")
        }
    }

    @Test func `a page without a section is found`() {
        #expect(Self.missingSections(in: ManualPage(".Sh NAME\n.Sh DESCRIPTION\n")) == ["SYNOPSIS"])
    }

    private static func missingSections(in page: ManualPage) -> [String] {
        ["NAME", "SYNOPSIS", "DESCRIPTION"].filter { !page.sections.contains($0) }
    }
}
