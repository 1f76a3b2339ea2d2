import Tables
import Testing

@testable import makemap

@Suite("The command line of makemap(8)") struct MakemapArgumentTests {
    private func read(_ words: String) throws -> MakemapArguments {
        try MakemapArguments(words.split(separator: " ").map(String.init))
    }

    @Test func `the map is beside the text unless -o says where`() throws {
        #expect(try read("/etc/mail/users").target == "/etc/mail/users.db")
        #expect(try read("-o /x.db /etc/mail/users").target == "/x.db")
        #expect(try read("-o/x.db -").source == nil)
        #expect(try read("/etc/aliases.db").target == "/etc/aliases.db")
    }

    @Test func `types of maps and of databases`() throws {
        #expect(try read("-t aliases f").action == .make(.aliases))
        #expect(try read("-tset f").action == .make(.set))
        #expect(try read("-d btree f").action == .make(.mapping))
        #expect(throws: MakemapArguments.Problem.unknownMap("x")) { try read("-t x f") }
        #expect(throws: MakemapArguments.Problem.unknownType("x")) { try read("-d x f") }
    }

    @Test func `two operands are Sendmail's form, with the text on standard input`() throws {
        let arguments = try read("-N -f hash /etc/mail/access")
        #expect(arguments.source == nil && arguments.target == "/etc/mail/access.db")
        #expect(throws: MakemapArguments.Problem.unknownType("text")) { try read("text /x") }
    }

    @Test func `-U prints`() throws {
        let arguments = try read("-U /x.db")
        #expect(arguments.action == .dump && arguments.source == "/x.db")
        #expect(throws: MakemapArguments.Problem.usage) { try read("-U -o /y /x.db") }
        #expect(throws: MakemapArguments.Problem.usage) { try read("-U -") }
    }

    @Test func `as newaliases it was called like this`() throws {
        let arguments = try read("-b i -C /etc/mail.cf -O AliasFile=/etc/aliases")
        #expect(arguments.source == "/etc/aliases" && arguments.action == .make(.aliases))
    }

    @Test(arguments: ["", "-x f", "a b c", "-o", "-", "-b x f"])
    func `everything else is a mistake`(_ words: String) {
        #expect(throws: MakemapArguments.Problem.self) { try read(words) }
    }
}
