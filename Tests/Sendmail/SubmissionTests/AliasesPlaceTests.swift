import Testing

@testable import Submission

@Suite("Which file newaliases(8) is about") struct AliasesPlaceTests {
    @Test(arguments: [
        (nil, "/etc/aliases", "/etc/aliases.db", false),
        ("file:/etc/mail/aliases", "/etc/mail/aliases", "/etc/mail/aliases.db", false),
        ("db:/etc/mail/aliases.db", "/etc/mail/aliases", "/etc/mail/aliases.db", true),
        ("static", "/etc/aliases", "/etc/aliases.db", false),
        ("sqlite:/etc/mail/x", "/etc/aliases", "/etc/aliases.db", false),
        ("", "/etc/aliases", "/etc/aliases.db", false),
    ] as [(String?, String, String, Bool)])
    func `follows from the table`(_ declaration: String?, _ text: String, _ database: String, _ isDatabase: Bool) {
        let place = AliasesPlace(of: declaration, else: "/etc/aliases")
        #expect(place.text == text && place.database == database && place.isDatabase == isDatabase)
    }

    @Test func `-f names another configuration`() {
        func file(_ words: String...) -> String? { Invocation.configurationFile(in: words.map { Array($0.utf8) }) }
        #expect(file("-f", "/x") == "/x")
        #expect(file("-v", "-f/y") == "/y")
        #expect(file("-f") == nil)
        #expect(file() == nil)
    }
}
