import Glibc
import Platform
import ServerTesting
import TableBackends
import Tables
import Testing

@Suite("makemap(8) as an operator runs it", .serialized) struct MakemapProgramTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func makemap(_ words: String..., input: String = "") throws -> Programs.Run {
        try Programs.run("makemap", words.map { $0.replacing("@", with: scratch.path) }, input: input, environment: [], identity: nil)
    }

    private func lookup(_ table: inout DatabaseTable, _ key: String, _ service: TableService = .alias) -> TableAnswer {
        table.answer(TableQuery(table: "t", service: service, operation: .lookup, key: key))
    }

    @Test func `a map is made, read, and printed`() throws {
        try scratch.write("users", "Ada: 1000:1000:/home/ada\nbob 1001:1001:/home/bob\n")
        let run = try makemap("@/users")
        #expect(run.code == 0 && run.output == "" && run.error == "", "\(run)")
        var table = try DatabaseTable(name: "t", path: scratch.path + "/users.db")
        #expect(lookup(&table, "ADA", .userinfo) == .found("1000:1000:/home/ada"))
        #expect(lookup(&table, "eve", .userinfo) == .notFound)
        #expect(try makemap("-U", "@/users.db").output == "ada\t1000:1000:/home/ada\nbob\t1001:1001:/home/bob\n")
    }

    @Test func `owner and mode are those of the text`() throws {
        try scratch.write("users", "a: b\n", mode: 0o640)
        #expect(try makemap("@/users").code == 0)
        let status = try #require(try Files.status(scratch.path + "/users.db"))
        #expect(status.permissions == 0o640)
        #expect(status.user == OrdinaryUser.current.uid)
    }

    @Test func `mistakes are named with their lines, and the map that is there stays`() throws {
        try scratch.write("users", "a: b\n")
        #expect(try makemap("@/users").code == 0)
        try scratch.write("users", "a: c\nlone\na: d\n")
        let run = try makemap("@/users")
        #expect(run.code == 1)
        #expect(run.error == """
            \(scratch.path)/users:2: invalid entry: entry without a value
            \(scratch.path)/users:3: invalid entry: duplicate entry for a

            """)
        var table = try DatabaseTable(name: "t", path: scratch.path + "/users.db")
        #expect(lookup(&table, "a") == .found("b"))
        #expect(try Files.list(scratch.path) == ["users", "users.db"])
    }

    @Test func `an open table goes on with the new map`() throws {
        try scratch.write("users", "a: b\n")
        #expect(try makemap("@/users").code == 0)
        var table = try DatabaseTable(name: "t", path: scratch.path + "/users.db")
        #expect(lookup(&table, "a") == .found("b"))
        try scratch.write("users", "a: c\n")
        #expect(try makemap("@/users").code == 0)
        #expect(lookup(&table, "a") == .found("c"))
        try scratch.write("rubbish", "rubbish\n")
        try Files.rename(scratch.path + "/rubbish", to: scratch.path + "/users.db")
        #expect(lookup(&table, "a") == .found("c"))
        #expect(throws: TableUpdateError.self) { try table.update() }
    }

    @Test func `a map that was spoilt in its place cannot say`() throws {
        try scratch.write("users", "a: b\n")
        #expect(try makemap("@/users").code == 0)
        var table = try DatabaseTable(name: "t", path: scratch.path + "/users.db")
        try scratch.write("users.db", "rubbish\n")
        #expect(lookup(&table, "a") == .failed(scratch.path + "/users.db: damaged"))
    }

    @Test func `sets, aliases, standard input, and Sendmail's form`() throws {
        try scratch.write("domains", "example.org\n*.example.net\n")
        #expect(try makemap("-t", "set", "@/domains").code == 0)
        var domains = try DatabaseTable(name: "t", path: scratch.path + "/domains.db")
        func match(_ name: String) -> TableAnswer {
            domains.answer(TableQuery(table: "t", service: .domain, operation: .match, key: name))
        }
        #expect(match("example.org") == .found("example.org"))
        #expect(match("a.example.net") == .found("*.example.net"))
        #expect(match("example.net") == .notFound)
        #expect(try makemap("-t", "aliases", "-o", "@/a.db", "-", input: "root: ada, \"|cat\"\n").code == 0)
        #expect(try makemap("-U", "@/a.db").output == "root\tada, \"|cat\"\n")
        #expect(try makemap("hash", "@/access", input: "a b\n").code == 0)
        #expect(try makemap("-U", "@/access.db").output == "a\tb\n")
        #expect(try makemap("-o", "@/empty.db", "-").error == "makemap: warning: no entries in standard input\n")
    }

    @Test(arguments: [("hash", "$DB_HASH"), ("btree", "$DB_BTREE")])
    func `a map of Berkeley DB is told and imported in place`(_ kind: String, _ type: String) throws {
        let script = """
            use DB_File; use Fcntl;
            tie my %h, 'DB_File', '\(scratch.path)/old.db', O_RDWR|O_CREAT, 0644, \(type) or die;
            for my $i (1..5000) { $h{"key$i\\0"} = "value $i\\0" }
            $h{"long\\0"} = ("x" x 20000) . "\\0";
            delete $h{"key7\\0"};
            """
        let made = try Programs.run("/usr/bin/perl", ["-e", script], environment: [], identity: nil)
        #expect(made.code == 0, "\(made)")
        let refusal = #expect(throws: TableUpdateError.self) { try DatabaseTable(name: "t", path: scratch.path + "/old.db") }
        #expect(refusal?.description.hasSuffix("which is not read here; convert it: makemap -o \(scratch.path)/old.db \(scratch.path)/old.db") == true)
        let good = try Files.read(scratch.path + "/old.db")
        var random = SeededGenerator(seed: 3)
        for _ in 0..<200 {
            var bytes = good
            for _ in 0..<20 { bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random) }
            // Neither a trap nor a hang, whatever it says.
            _ = try? BerkeleyDatabase(bytes).records()
        }
        let run = try makemap("-o", "@/old.db", "@/old.db")
        #expect(run.code == 0, "\(run)")
        var table = try DatabaseTable(name: "t", path: scratch.path + "/old.db")
        for number in [1, 6, 8, 2_500, 5_000] { #expect(lookup(&table, "key\(number)") == .found("value \(number)")) }
        #expect(lookup(&table, "key7") == .notFound)
        #expect(lookup(&table, "long") == .found(String(repeating: "x", count: 20_000)))
        #expect(try makemap("-U", "@/old.db").lines.count == 5_000)
    }

    @Test func `what cannot be read is said`() throws {
        let run = try makemap("@/nothing")
        #expect(run.code == 1 && run.error.contains("No such file"), "\(run)")
        #expect(try makemap("-U", "/etc/passwd").error == "makemap: /etc/passwd: not a database\n")
        #expect(try makemap().code == 1)
    }
}
