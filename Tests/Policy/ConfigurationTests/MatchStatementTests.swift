import MailSyntax
import Tables
import Testing

@testable import Configuration

private let end = "\nmatch reject\n"
private let machine = FakeMachine().with("/cert").with("/key").with("/ca").with("/aliases", "root: user\n")
    .with("/conf").with("/list", "example.org\n").with("/broken", "root: user\nbare\n").with("/empty").with("/marked", "# @list\n::1\n")

/// The only error of a text that ends with a rule, without its file name.
private func mistake(_ text: String) -> String? {
    let found = errors(text + end, on: machine)
    return found.count == 1 ? found[0].replacing("smtpd.conf:") : found.first.map { "\(found.count) errors: \($0)" }
}

extension String {
    /// The text without a prefix.
    fileprivate func replacing(_ prefix: String) -> String { hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self }
}

@Suite("Settings of the 7.x grammar (smtpd.conf 1.3)") struct MatchSettingsTests {
    @Test func `defaults are those of the manual`() throws {
        let result = try configuration(end)
        #expect(result.queue.timeToLive == 345_600)
        #expect(result.queue.bounceWarnIntervals == [14_400])
        #expect(result.session.maximumMessageSize == 36_700_160)
        #expect(result.session.maximumRecipients == 1_000)
        #expect(result.session.maximumMails == 100)
        #expect(result.session.subaddressDelimiter == UInt8(ascii: "+"))
        #expect(result.scheduler == SchedulerLimits())
        #expect(result.mta.maximumDeferred == 100)
        #expect(result.mta.limits.connectionsPerSource == 100)
        #expect(result.admd == "mx.example.org")
        #expect(result.submission.endpoint == .socket)
        #expect(result.submission.offersDSN)
    }

    @Test func `each setting is taken`() throws {
        let result = try configuration(
            """
            admd "example"
            bounce warn-interval 1h, 6h, 2d
            queue compression
            queue encryption 0123456789abcdef0123456789abcdef
            queue history 2M
            queue ttl 10m
            scheduler limit max-inflight 1 max-schedule 2 max-evp-batch-size 3 max-msg-batch-size 4
            smtp limit max-rcpt 5 max-mails 6 max-session 7 max-session-per-client 8 max-connections-per-minute 9 idle-timeout 10 min-rate 11 max-bad-commands 12 max-refused-rcpt 13
            smtp ciphers "HIGH"
            smtp max-message-size 1.5K
            smtp sub-addr-delim '_'
            srs key one
            srs key backup two
            srs ttl 36h
            mda limit max-session 7 max-session-per-user 8 task-hiwat 9 task-lowat 10 task-release 11
            mta max-deferred 12
            mta limit max-conn-per-host 13 inet6
            mta limit for domain Example.ORG conn-delay-route 14 inet4
            mta limit session-keepalive 15
            """ + end)
        #expect(result.admd == "example")
        #expect(result.queue.bounceWarnIntervals == [3_600, 21_600, 172_800])
        #expect(result.queue.usesCompression)
        #expect(result.queue.encryption == .key("0123456789abcdef0123456789abcdef"))
        #expect(result.queue.history == 2 << 20)
        #expect(result.queue.timeToLive == 600)
        #expect(result.scheduler.maximumMessageBatch == 4)
        #expect(result.session.maximumRecipients == 5)
        #expect(result.session.maximumMails == 6)
        #expect(result.session.maximumSessions == 7 && result.session.maximumSessionsPerClient == 8)
        #expect(result.session.maximumConnectionsPerMinute == 9)
        #expect(result.session.idleSeconds == 10 && result.session.minimumRate == 11)
        #expect(result.session.maximumBadCommands == 12 && result.session.maximumRefusedRecipients == 13)
        #expect(result.session.maximumMessageSize == 1_536)
        #expect(result.session.subaddressDelimiter == UInt8(ascii: "_"))
        #expect(result.srs?.key == "one")
        #expect(result.srs?.backupKey == "two")
        #expect(result.srs?.timeToLiveDays == 1)
        #expect(result.mda.taskRelease == 11)
        #expect(result.mta.maximumDeferred == 12)
        #expect(result.mta.limits.families == .v6)
        #expect(result.mta.limits.keepalive == 15)
        let domain = try #require(result.mta.limitsByDomain["example.org"])
        #expect(domain.connectionsPerHost == 13)
        #expect(domain.families == .v4)
        #expect(domain.keepalive == 10)
    }

    @Test(arguments: [
        ("queue encryption", QueueSettings.Encryption.prompt), ("queue encryption stdin", .standardInput),
        ("queue encryption \"-\"", .standardInput), ("queue encryption file:/etc/mail/queue.key", .file("/etc/mail/queue.key")),
        ("queue encryption credential:queue-key", .credential("queue-key")),
    ])
    func `the key of the queue can come later`(_ text: String, _ source: QueueSettings.Encryption) throws {
        #expect(try configuration(text + end).queue.encryption == source)
    }

    @Test func `a backup key is apart from the key`() throws {
        let both = try configuration("queue encryption file:/new\nqueue encryption backup file:/old" + end).queue
        #expect(both.encryption == .file("/new"))
        #expect(both.backupEncryption == .file("/old"))
        let backup = try configuration("queue encryption backup" + end).queue
        #expect(backup.encryption == nil)
        #expect(backup.backupEncryption == .prompt)
    }

    @Test(arguments: [
        ("queue ttl 4", "1:11: syntax error at `4`, expected a lifetime such as 4h"),
        ("queue ttl 0s", "1:11: invalid delay: 0s, expected a whole number and one of s, m, h, d"),
        ("queue ttl 1h30m", "1:11: invalid delay: 1h30m, expected a whole number and one of s, m, h, d"),
        ("queue ttl 24856d", "1:11: invalid delay: 24856d, expected a whole number and one of s, m, h, d"),
        ("smtp max-message-size \"-1\"", "1:23: invalid size: -1, expected a number and one of B, K, M, G, T, P, E"),
        ("smtp max-message-size -1", "1:23: invalid size: -1, expected a size, not negative"),
        ("smtp max-message-size 8E", "1:23: invalid size: 8E, expected a number and one of B, K, M, G, T, P, E"),
        ("smtp sub-addr-delim \"@\"", "1:21: invalid sub-address delimiter, expected one printable character other than @"),
        ("smtp sub-addr-delim ab", "1:21: invalid sub-address delimiter, expected one printable character other than @"),
        ("smtp limit max-foo 1", "1:12: invalid session limit keyword: max-foo"),
        ("mta limit max-failures 1", "1:11: invalid mta limit keyword: max-failures"),
        ("mda limit max-session -1", "1:23: -1 is out of range, expected a number for max-session from 0 to 2147483647"),
        ("scheduler limit max-inflight", "1:29: syntax error at the end of the line, expected a number for max-inflight"),
        ("queue encryption credential:a/b", "1:18: invalid name of a credential: a/b, expected a name without slashes"),
        ("srs ttl 23h", "1:9: srs ttl is less than one day, expected at least 1d"),
        ("admd \"a b\"", "1:6: admd may hold only printable characters"),
        ("queue history 63K", "1:15: invalid size of the history: 64512 bytes, expected 64K to 1G, or off"),
        ("queue history 2G", "1:15: invalid size of the history: 2147483648 bytes, expected 64K to 1G, or off"),
        ("queue compression foo", "1:19: syntax error at `foo`, expected the end of the statement"),
        ("mda wrapper w \"a\"\nmda wrapper w \"b\"", "2:13: mda wrapper already declared: w"),
    ])
    func `is refused`(_ text: String, _ reason: String) {
        #expect(mistake(text) == reason)
    }

    /// A process that is told a name it cannot take ends the daemon, so it must not get past the loader.
    @Test(arguments: [
        ("action \"a\tb\" mbox", "1:8: the name of the action holds a control character, expected one line of printable characters"),
        ("action \"a\u{2028}b\" mbox", "1:8: the name of the action holds a control character, expected one line of printable characters"),
        ("action \"\" mbox", "1:8: the name of the action is empty, expected 1 to 1023 bytes"),
        ("table \"\u{7F}\" { a }", "1:7: the name of the table holds a control character, expected one line of printable characters"),
        ("table \"\" { a }", "1:7: the name of the table is empty, expected 1 to 1023 bytes"),
        ("mda wrapper \"\t\" cat", "1:13: the name of the wrapper holds a control character, expected one line of printable characters"),
        ("listen on lo tag \"\u{85}\"", "1:18: a tag holds a control character, expected one line of printable characters"),
        ("action a maildir user \"a\tb\"", "1:23: the name of a user holds a control character, expected one line of printable characters"),
        ("action a maildir user \"\"", "1:23: the name of a user is empty, expected 1 to 1023 bytes"),
    ])
    func `a name is one line`(_ text: String, _ reason: String) {
        #expect(mistake(text) == reason)
    }

    @Test func `a name of an action is at most 1023 bytes`() throws {
        let longest = String(repeating: "a", count: 1023)
        #expect(try configuration("action \(longest) mbox" + end).actions[longest] != nil)
        #expect(mistake("action \(longest)a mbox") == "1:8: the name of the action is too long, expected 1 to 1023 bytes")
    }

    @Test func `limits of numbers and units hold to the last one`() {
        #expect(ConfigurationParser.seconds("24855d") == 2_147_472_000)
        #expect(ConfigurationParser.seconds("2147483647s") == 2_147_483_647)
        #expect(ConfigurationParser.seconds("2147483648s") == nil)
        #expect(ConfigurationParser.seconds("s") == nil)
        #expect(ConfigurationParser.bytes("7E") == 7 << 60)
        #expect(ConfigurationParser.bytes("7.5E") == (7 << 60) + (1 << 59))
        #expect(ConfigurationParser.bytes("7.99999999999999999999E") != nil)
        #expect(ConfigurationParser.bytes("35m") == 36_700_160)
        #expect(ConfigurationParser.bytes("0") == 0)
        #expect(ConfigurationParser.bytes("1.K") == nil)
        #expect(ConfigurationParser.bytes("M") == nil)
        #expect(ConfigurationParser.bytes("") == nil)
    }

    @Test func `only four delays of a bounce are used, which is told`() throws {
        let text = "bounce warn-interval 1h, 2h, 3h, 4h, 5h" + end
        #expect(try configuration(text).queue.bounceWarnIntervals == [3_600, 7_200, 10_800, 14_400])
        #expect(notes(text) == ["smtpd.conf:1:22: warning: only the first 4 of 5 delays are used"])
    }

    @Test(arguments: ["scheduler limit", "mta limit", "mta limit for domain x", "smtp limit", "mda limit"])
    func `a limit statement may set nothing`(_ text: String) {
        #expect(errors(text + end).isEmpty)
    }

    @Test func `a queue key of the wrong length is warned about`() {
        #expect(notes("queue encryption short" + end).count == 1)
    }
}

@Suite("Key pairs and authorities (smtpd.conf 1.3)") struct KeyPairTests {
    @Test func `a pki is put together from several statements, its name in lower case`() throws {
        let result = try configuration("pki MX.example.org cert \"/cert\"\npki mx.example.org key \"/key\" dhe auto" + end, on: machine)
        #expect(result.keyPairs["mx.example.org"]?.certificate == "/cert")
        #expect(result.keyPairs["mx.example.org"]?.key == "/key")
        #expect(result.keyPairs["mx.example.org"]?.ephemeralDH == .auto)
    }

    @Test(arguments: [
        ("pki a cert \"/cert\"", "1:5: pki a has no key, expected pki a key and a path"),
        ("pki a key \"/key\"", "1:5: pki a has no cert, expected pki a cert and a path"),
        ("pki a cert \"/missing\" key \"/key\"", "1:5: pki a: cannot use cert /missing: no such file"),
        ("pki \"a b\" cert \"/cert\"", "1:5: not a valid host name: a b, expected `*` or a host name"),
        ("pki a dhe strong", "1:11: invalid dhe mode: strong, expected none, auto or legacy"),
        ("ca a cert \"/missing\"", "1:11: ca a: cannot use /missing: no such file"),
        ("ca a cert \"/ca\"\nca A cert \"/ca\"", "2:4: ca already declared: a"),
        ("ca a", "1:5: syntax error at the end of the line, expected `cert`"),
    ])
    func `is refused`(_ text: String, _ reason: String) {
        #expect(mistake(text) == reason)
    }

    @Test func `a key that others can read is refused`() {
        struct Leaky: ConfigurationEnvironment {
            var base = FakeMachine()
            var hostName: String { base.hostName }
            var mailName: String? { nil }
            var interfaceAddresses: [IPAddress] { [] }
            var egressAddresses: [IPAddress] { [] }
            var loopbackAddresses: [IPAddress] { [] }
            func canonicalName(ofHost name: String) -> String? { nil }
            func addresses(ofInterface name: String) -> [IPAddress]? { nil }
            func addresses(ofInterfaceGroup name: String) -> [IPAddress]? { nil }
            func addresses(ofHost name: String) -> [IPAddress] { [] }
            func port(ofService name: String) -> UInt16? { nil }
            func userExists(_ name: String) -> Bool { true }
            func groupExists(_ name: String) -> Bool { true }
            func tableProgramExists(type: String) -> Bool { false }
            var tableProgramDirectories: [String] { ["/libexec"] }
            func contents(ofFile path: String) throws(FileFailure) -> [UInt8] { [] }
            func check(file path: String, for purpose: FilePurpose) throws(FileFailure) {
                if purpose == .privateKey { throw .unsafeMode }
            }
        }
        let text = "pki a cert \"/cert\" key \"/key\"\nmatch reject\n"
        guard
            case .failed(let diagnostics) = ConfigurationLoader.load(
                text: Array(text.utf8), named: "f", macros: [], environment: Leaky())
        else {
            Issue.record("it loaded")
            return
        }
        #expect(diagnostics.map(\.description) == ["f:1:5: pki a: cannot use key /key: its mode gives too much away"])
    }
}

@Suite("Tables (smtpd.conf 0.4, 0.6, 1.3)") struct TableTests {
    @Test func `files, back ends and braces make tables`() throws {
        let result = try configuration(
            """
            table a "/aliases"
            table b file:/aliases
            table c "static:/list"
            table d passwd:/conf
            table e getpwnam
            table f { x y, z
             w
            }
            table g {
             "k" = v, k2 => "v 2"
            }
            """ + end, on: machine)
        #expect(result.tables["a"]?.content == .backend(type: "file", path: "/aliases"))
        #expect(result.tables["b"]?.content == result.tables["a"]?.content)
        #expect(result.tables["c"]?.content == .backend(type: "file", path: "/list"))
        #expect(result.tables["d"]?.content == .backend(type: "passwd", path: "/conf"))
        #expect(result.tables["e"]?.content == .backend(type: "getpwnam", path: nil))
        #expect(result.tables["f"]?.content == .list(["x", "y", "z", "w"]))
        #expect(result.tables["g"]?.content == .mapping([.init(key: "k", value: "v"), .init(key: "k2", value: "v 2")]))
    }

    @Test func `answers of a program are used again for as long as a table says`() throws {
        for text in ["table a sql:/conf cache 5m\n" + end, "table a sql:/conf cache 5m\naccept for any relay\n"] {
            let table = try #require(try configuration(text, on: machine).tables["a"])
            #expect(table.cacheLifetime == 300)
            #expect(try TableDefinition(decoding: table.encoded) == table)
        }
        #expect(try configuration("table a sql:/conf\n" + end, on: machine).tables["a"]?.cacheLifetime == nil)
    }

    @Test func `predefined tables hold this host's names and addresses`() throws {
        let tables = try configuration(end).tables
        let addresses = ["192.0.2.10", "[2001:db8::a]", "127.0.0.1", "[::1]"]
        #expect(tables["<anyhost>"]?.content == .list(["local", "0.0.0.0/0", "::/0"]))
        #expect(tables["<localhost>"]?.content == .list(["local"] + addresses))
        #expect(tables["<localnames>"]?.content == .list(["localhost", "mx.example.org"] + addresses))
        #expect(tables["<anydestination>"]?.content == .list(["*", "mx"]))
        #expect(tables["<getpwnam>"]?.content == .backend(type: "getpwnam", path: nil))
        #expect(try configuration("accept for any relay").tables["<localnames>"]?.content == .list(["localhost", "mx.example.org"]))
    }

    @Test(arguments: [
        ("table a { x }\ntable a { y }", "2:7: table a already declared at smtpd.conf:1:7"),
        ("table a file:rel", "1:9: invalid backend parameter for table: a, expected a path that starts with `/`"),
        ("table a file:/missing", "1:9: invalid configuration file /missing for table a: no such file"),
        ("table a db:/missing", "1:9: invalid configuration file /missing for table a: no such file"),
        ("table a file:/broken", "1:9: invalid configuration file /broken for table a: line 2 has a key and no value"),
        ("table a nosuch:/x", "1:9: no backend `nosuch` for table a: no program table-nosuch in /libexec, expected `file`, `db`, `passwd`, or a type whose program table-TYPE is installed"),
        (
            "table a ldap:/x",
            "1:9: no backend `ldap` for table a: no program table-ldap in /libexec, expected the program table-ldap, which a build "
                + "with the trait LDAP has (`swift build --traits default,LDAP`)"
        ),
        ("table a \"../x:/y\"", "1:9: no backend `../x` for table a, expected `file`, `db`, `passwd`, or a type whose program table-TYPE is installed"),
        ("table a passwd:/broken", "1:9: invalid configuration file /broken for table a: line 2: entry without a value"),
        ("table a passwd:/missing", "1:9: invalid configuration file /missing for table a: no such file"),
        ("table a file:/aliases cache 5m", "1:23: table a is not answered by a program, expected `cache` with tables of programs only"),
        ("table a sql:/conf cache 5", "1:25: syntax error at `5`, expected how long an answer is used again, such as 4h"),
        ("table a { x, y = z }", "1:16: syntax error at `=`, expected an item or `}`"),
        ("table a { x = y, z }", "1:20: syntax error at `}`, expected `=` as after the first key"),
        ("table a { x, }", "1:14: syntax error at `}`, expected an item"),
        ("table a { }", "1:11: syntax error at `}`, expected an item"),
        ("table < { x }", "1:7: syntax error at `<`, expected the name of the table"),
        ("match for domain <a> reject", "1:19: no such table: a"),
        ("match for domain { a = b } reject", "1:18: what stands here may not be used for domain lookups, expected a list that serves domain"),
        ("action a mbox alias x", "1:21: what stands here may not be used for alias lookups, expected a mapping that serves alias"),
        ("table t file:/aliases\nmatch for domain <t> reject", "2:19: table \"t\" may not be used for domain lookups, expected a list that serves domain"),
        ("match from src <getpwnam> reject", "1:17: table \"<getpwnam>\" may not be used for netaddr lookups, expected a list that serves netaddr"),
    ])
    func `is refused`(_ text: String, _ reason: String) {
        #expect(mistake(text) == reason)
    }

    @Test func `reserved words are names in 7.x and none in 5.4`() throws {
        #expect(try configuration("table src { x }\nmatch from src <src> reject").tables["src"] != nil)
        #expect(errors("table source { x }\nreject for any") == ["smtpd.conf:1:7: syntax error at `source`, expected the name of the table"])
    }

    @Test func `a name has at most 64 bytes`() throws {
        let longest = String(repeating: "t", count: 64)
        #expect(try configuration("table \(longest) { x }" + end).tables[longest] != nil)
        #expect(mistake("table \(longest)t { x }") == "1:7: table name too long, expected at most 64 bytes")
    }

    @Test func `what a file is decides what it is used for`() throws {
        #expect(mistake("table t file:/empty\naction a mbox alias <t>") == nil)
        #expect(mistake("table t file:/marked\nmatch from src <t> reject") == nil)
        #expect(mistake("table t sql:/x\naction a mbox alias <t>\nmatch for domain <t> reject") == nil)
    }
}

@Suite("Static table files (table(5))") struct StaticTableFileTests {
    private func kind(_ text: String, _ generation: Generation = .match) throws(StaticTableFile.Failure) -> TableKind {
        try StaticTableFile.kind(of: Array(text.utf8), generation: generation)
    }

    @Test func `the first entry decides`() throws {
        #expect(try kind("# comment\n\n  example.org\nb c\n") == .list)
        #expect(try kind("root: user\na\tb\nc d\n") == .mapping)
        #expect(try kind("[::1] name\n") == .mapping)
        #expect(try kind("[::1]\n") == .list)
        #expect(try kind("# @list\n::1\na b\n") == .list)
        #expect(try kind("") == .mapping)
    }

    @Test func `a mapping has a value on each line`() {
        #expect(throws: StaticTableFile.Failure.missingValue(line: 2)) { try kind("a b\nc\n") }
        #expect(throws: StaticTableFile.Failure.missingValue(line: 1)) { try kind("root:\n") }
    }

    @Test func `a list of 5.4 has no mapping in it`() {
        #expect(throws: StaticTableFile.Failure.mixed(line: 2)) { try kind("a\nb c\n", .accept) }
    }
}
