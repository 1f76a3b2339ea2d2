import Testing

@Suite("The house: what stands where, and who may import whom (ARCHITECTURE.md)") struct ArchitectureTests {
    @Test func `this package keeps to its rules`() throws {
        let files = PackageTree.files(in: ["Sources", "compat", "Tests", "Benchmarks"])
        let manifest = try #require(PackageTree.text(of: "Package.swift"))
        #expect(files.count > 50)
        #expect(Manifest(manifest).targets.count > 20)
        for violation in Checker.violations(of: files, manifest: manifest) { Issue.record("\(violation)") }
    }
}

@Suite("The checker finds each kind of fault in a made-up tree") struct CheckerTests {
    /// A manifest in the shape of ours.
    private static let manifest = """
        let package = Package(
            name: "house",
            targets: [
                room("Mail", "MailSyntax"),
                room("Mail", "Envelopes", ["MailSyntax"]),
                room("Policy", "Rules", ["MailSyntax"]),
                // room("Policy", "Gone", ["MailSyntax"]),
                .target(name: "CPlatform", path: "compat/Platform", publicHeadersPath: "include"),
                .systemLibrary(
                    name: "CLibevent", path: "compat/CLibevent", pkgConfig: "libevent",
                    providers: [.apt(["libevent-dev"])]),
                room("System", "Platform", ["CPlatform"]),
                room("System", "WireFormat"),
                room("System", "EventLoop", ["CLibevent", "Platform"]),
                room("Storage", "QueueStorage", ["Envelopes", "Platform"]),
                room("Processes", "ControlMessages", ["Envelopes", "WireFormat"]),
                room("Processes", "QueueProcess", ["QueueStorage", "ControlMessages", "EventLoop"]),
                room("Processes", "LookupProcess", ["Rules", "EventLoop"]),
                program("smtpd", in: "Sources/Programs/smtpd", ["QueueProcess", "LookupProcess"]),
                .target(
                    name: "Submission", dependencies: ["MailSyntax", "Platform"], path: "compat/Sendmail/Submission",
                    swiftSettings: swift),
                program("sendmail", in: "compat/Sendmail/sendmail", ["Submission", "ControlMessages"]),
                tests("Mail", "MailSyntax", ["Platform"]),
            ]
        )
        """

    /// A tree without a fault.
    private static let good = [
        Checker.File("Sources/Mail/MailSyntax/A.swift", "/// import Glibc\npackage struct A {}\n"),
        Checker.File("Sources/Mail/Envelopes/B.swift", "import MailSyntax\nlet text = \"\"\"\nimport Glibc\n\"\"\"\n"),
        Checker.File("Sources/Policy/Rules/C.swift", "import MailSyntax\n"),
        Checker.File("Sources/System/Platform/D.swift", "import CPlatform\nimport Glibc\n"),
        Checker.File("Sources/System/WireFormat/D.swift", ""),
        Checker.File("Sources/System/EventLoop/E.swift", "import CLibevent\nimport struct Platform.D\n"),
        Checker.File("Sources/Storage/QueueStorage/F.swift", "import Envelopes\n@testable import Platform\n"),
        Checker.File("Sources/Processes/ControlMessages/G.swift", "import Envelopes\nimport WireFormat\n"),
        Checker.File("Sources/Processes/QueueProcess/H.swift", "import QueueStorage\n"),
        Checker.File("Sources/Processes/LookupProcess/I.swift", "import Rules\n"),
        Checker.File("Sources/Programs/smtpd/P.swift", "import QueueProcess\n@main struct P { static func main() {} }\n"),
        Checker.File("compat/Sendmail/Submission/S.swift", "package import MailSyntax\n"),
        Checker.File("compat/Sendmail/sendmail/S.swift", "import Submission\nimport Glibc\n"),
        Checker.File("Tests/Mail/MailSyntaxTests/T.swift", "import Testing\n@testable import MailSyntax\nlet x = try! f()\n"),
    ]

    private func violations(
        adding files: [Checker.File] = [], replacing: (String, String)? = nil
    ) -> [String] {
        var manifest = Self.manifest
        if let (old, new) = replacing {
            let parts = manifest.components(around: old)
            #expect(parts.count == 2, "the fixture changes one place")
            manifest = parts.joined(separator: new)
        }
        return Checker.violations(of: Self.good + files, manifest: manifest).map(\.description)
    }

    @Test func `a good tree has none`() {
        #expect(violations() == [])
    }

    @Test(arguments: [
        ("Sources/Mail/MailSyntax/X.swift", "import Glibc", "X.swift:1: Mail imports Glibc"),
        ("Sources/Mail/MailSyntax/X.swift", "\nimport CPlatform", "X.swift:2: Mail imports CPlatform of C"),
        ("Sources/Mail/Envelopes/X.swift", "import Rules", "X.swift:1: Mail imports Rules of Policy"),
        ("Sources/Mail/MailSyntax/X.swift", "import Synchronization", "X.swift:1: Mail imports Synchronization"),
        ("Sources/Policy/Rules/X.swift", "import Platform", "X.swift:1: Policy imports Platform of System"),
        ("Sources/Policy/Rules/X.swift", "import QueueStorage", "X.swift:1: Policy imports QueueStorage of Storage"),
        ("Sources/System/Platform/X.swift", "import MailSyntax", "X.swift:1: System imports MailSyntax of Mail"),
        ("Sources/Storage/QueueStorage/X.swift", "import CLibevent", "X.swift:1: Storage imports CLibevent of C"),
        ("Sources/Storage/QueueStorage/X.swift", "import QueueProcess", "X.swift:1: Storage imports QueueProcess of a process"),
        ("Sources/Processes/ControlMessages/X.swift", "import EventLoop", "X.swift:1: the messages of Processes imports EventLoop of System"),
        ("Sources/Processes/QueueProcess/X.swift", "import LookupProcess", "X.swift:1: a process imports LookupProcess of a process"),
        ("compat/Sendmail/sendmail/X.swift", "import QueueProcess", "X.swift:1: compat/Sendmail imports QueueProcess of a process"),
        ("compat/Sendmail/sendmail/X.swift", "import CLibevent", "X.swift:1: compat/Sendmail imports CLibevent of C"),
    ])
    func `an import the wrong way`(_ path: String, _ text: String, _ expected: String) {
        #expect(violations(adding: [Checker.File(path, text)]).contains { $0.hasSuffix(expected) })
    }

    @Test(arguments: ["Sources/System/Platform", "Sources/Programs/smtpd", "compat/Sendmail/sendmail", "Tests/Mail/MailSyntaxTests"])
    func `Foundation and Dispatch anywhere`(_ folder: String) {
        for module in ["Foundation", "FoundationEssentials", "Dispatch"] {
            #expect(violations(adding: [Checker.File("\(folder)/X.swift", "private import \(module)\n")])
                == ["\(folder)/X.swift:1: imports \(module), which nothing of ours does"])
        }
    }

    @Test func `an import that the manifest does not declare`() {
        #expect(violations(adding: [Checker.File("Sources/Storage/QueueStorage/X.swift", "import WireFormat")])
            == ["Sources/Storage/QueueStorage/X.swift:1: imports WireFormat, which the manifest does not declare for QueueStorage"])
    }

    @Test func `a dependency the wrong way, though no source uses it`() {
        #expect(violations(replacing: ("room(\"System\", \"WireFormat\")", "room(\"System\", \"WireFormat\", [\"Envelopes\"])"))
            == ["Package.swift:0: WireFormat of System depends on Envelopes of Mail"])
    }

    @Test func `libevent behind a module that sendmail uses`() {
        #expect(violations(replacing: ("[\"MailSyntax\", \"Platform\"], path:", "[\"EventLoop\"], path:")) == [
            "Package.swift:0: Submission of compat/Sendmail reaches CLibevent",
            "Package.swift:0: Submission of compat/Sendmail reaches EventLoop",
            "Package.swift:0: sendmail of compat/Sendmail reaches CLibevent",
            "Package.swift:0: sendmail of compat/Sendmail reaches EventLoop",
            "compat/Sendmail/Submission/S.swift:1: imports MailSyntax, which the manifest does not declare for Submission",
        ])
    }

    @Test(arguments: [("/// Sends the Envelope", "envelope"), ("let recipients = 1", "recipient"), ("let x = \"SMTP\"", "smtp")])
    func `words of mail in System, comments included`(_ text: String, _ word: String) {
        #expect(violations(adding: [Checker.File("Sources/System/WireFormat/X.swift", "\n" + text)])
            == ["Sources/System/WireFormat/X.swift:2: System knows no mail, but says \(word)"])
    }

    @Test func `but not the name of the daemon in a path`() {
        let text = "let socket = \"/run/smtpd.sock\"\n"
        #expect(violations(adding: [Checker.File("Sources/System/WireFormat/X.swift", text)]) == [])
        #expect(violations(adding: [Checker.File("Sources/System/WireFormat/X.swift", "let smtp = 1")]).count == 1)
        #expect(violations(adding: [Checker.File("Sources/System/WireFormat/X.swift", "struct SMTPSession")]).count == 1)
    }

    @Test func `concurrency in Mail and Policy, comments and strings excluded`() {
        let text = "// await\nlet a = \"async\"\nlet actors = 1\nfunc f() async {}\n"
        #expect(violations(adding: [Checker.File("Sources/Policy/Rules/X.swift", text)])
            == ["Sources/Policy/Rules/X.swift:4: Policy is without concurrency, but says async"])
    }

    @Test(arguments: ["extension A: @unchecked Sendable {}", "nonisolated(unsafe) var a = 1", "try! f()", "unsafeBitCast(a, to: B.self)"])
    func `an unchecked claim without a comment in the three lines above`(_ claim: String) {
        func count(_ text: String) -> Int { violations(adding: [Checker.File("Sources/System/Platform/X.swift", text)]).count }
        #expect(count(claim) == 1)
        #expect(count("// Proof.\n\n\n\n" + claim) == 1)
        #expect(count("// Proof.\n\n\n" + claim) == 0)
        #expect(count(claim + " // Proof.") == 0)
        #expect(count("let text = #\"\(claim)\"# // \(claim)") == 0)
    }

    @Test func `a main.swift`() {
        #expect(violations(adding: [Checker.File("Sources/Programs/smtpd/main.swift", "")]).count == 1)
    }

    @Test func `a source outside of all targets`() {
        #expect(violations(adding: [Checker.File("Sources/Mail/Lost/X.swift", "")])
            == ["Sources/Mail/Lost/X.swift:0: belongs to no target of the manifest"])
    }

    @Test func `an option with two C modules`() {
        let option = [Checker.File("Sources/Options/TableSQLite/X.swift", "import CSQLite\nimport CPlatform\n")]
        let declaration = """
            room("Policy", "Rules", ["MailSyntax"]),
                .systemLibrary(name: "CSQLite", path: "compat/CSQLite"),
                room("Options", "TableSQLite", ["CSQLite", "CPlatform"]),
            """
        #expect(violations(adding: option, replacing: ("room(\"Policy\", \"Rules\", [\"MailSyntax\"]),", declaration))
            == ["Package.swift:0: TableSQLite is an option with more than one C module"])
    }
}

@Suite("How the checker reads Swift") struct SwiftTextTests {
    @Test func `comments and contents of strings are blanks, line numbers stay`() {
        let text = SwiftText("""
            a /* b /* c */
            d */ e // f
            "g \\(h("i")) \\" j" k #"l " m"# n
            \"""
            o "p" q
            \""" r
            """)
        #expect(text.code.map { $0.filter { $0 != " " } } == ["a", "e", "\"\"k\"\"n", "\"", "", "\"r"])
        #expect(text.lines.count == text.code.count)
    }

    @Test func `imports are found in all their forms`() {
        let text = SwiftText("""
            import A
            @testable import B
            package import C
            @preconcurrency internal import struct D.E
            import F.G ; let x = 1
            // import H
            let importance = 1
            #if canImport(I)
                import I
            #endif
            """)
        #expect(text.imports.map(\.module) == ["A", "B", "C", "D", "F", "I"])
        #expect(text.imports.map(\.line) == [1, 2, 3, 4, 5, 9])
    }

    @Test func `the manifest's targets have names, folders and dependencies`() {
        let manifest = Manifest("""
            func room(_ shelf: String, _ name: String) -> Target {
                .target(name: name, dependencies: imports, path: "Sources/\\(shelf)/\\(name)")
            }
            let package = Package(targets: [
                room("Mail", "A"),
                room(
                    "Policy", "B",
                    ["A", .target(name: "C", condition: .when(traits: ["T"]))]),
                program("d", in: "Sources/Programs/d", ["B"]),
                .testTarget(name: "E", dependencies: ["A"], path: "Tests/E", swiftSettings: swift),
            ])
            """)
        #expect(manifest.targets == [
            "A": .init(name: "A", path: "Sources/Mail/A", dependencies: []),
            "B": .init(name: "B", path: "Sources/Policy/B", dependencies: ["A", "C", "T"]),
            "d": .init(name: "d", path: "Sources/Programs/d", dependencies: ["B"]),
            "E": .init(name: "E", path: "Tests/E", dependencies: ["A"]),
        ])
        #expect(manifest.target(of: "Sources/Mail/A/x.swift")?.name == "A")
        #expect(manifest.target(of: "Sources/Mail/AB/x.swift") == nil)
        #expect(manifest.closure(of: "d").isSuperset(of: ["d", "B", "A", "C"]))
    }
}

extension String {
    /// The text before and after each occurrence of another.
    fileprivate func components(around other: String) -> [String] {
        let bytes = Array(utf8)
        let needle = Array(other.utf8)
        var result: [String] = []
        var start = 0
        var position = 0
        while position + needle.count <= bytes.count {
            if bytes[position..<(position + needle.count)].elementsEqual(needle) {
                result.append(String(decoding: bytes[start..<position], as: UTF8.self))
                position += needle.count
                start = position
            } else {
                position += 1
            }
        }
        return result + [String(decoding: bytes[start...], as: UTF8.self)]
    }
}
