import SeededTesting
import Testing

@testable import Tables

/// A machine whose clock the test moves, and what it has asked for.
private struct Bench {
    var program: TableProgram
    var now = Duration.zero
    var steps: [TableProgram.Step] = []

    init(table: String = "users", _ change: (inout TableProgram.Limits) -> Void = { _ in }) {
        var limits = TableProgram.Limits()
        change(&limits)
        program = TableProgram(table: table, limits: limits)
    }

    var time: TableProgram.Time { TableProgram.Time(monotonic: now, wall: 1_700_000_000_000_123) }

    mutating func take() -> [TableProgram.Step] {
        defer { steps = [] }
        return steps
    }

    mutating func start() { steps += program.start(at: time) }
    mutating func started() { steps += program.started(at: time) }
    mutating func ask(_ number: UInt64, _ request: TableProgramRequest) { steps += program.ask(number, request, at: time) }
    mutating func hear(_ text: String) { steps += program.receive(Array(text.utf8), at: time) }
    mutating func hear(_ bytes: [UInt8]) { steps += program.receive(bytes, at: time) }
    mutating func ended() { steps += program.ended("has ended", at: time) }
    mutating func pass(_ seconds: Double) {
        now += .milliseconds(Int64(seconds * 1_000))
        steps += program.passed(at: time)
    }

    /// Started, introduced with these services, and quiet.
    static func serving(_ services: [String] = ["userinfo", "alias"], _ change: (inout TableProgram.Limits) -> Void = { _ in }) -> Bench {
        var bench = Bench(change)
        bench.start()
        bench.started()
        bench.hear(services.map { "register|\($0)\n" }.joined() + "register|ready\n")
        _ = bench.take()
        return bench
    }
}

private func sent(_ steps: [TableProgram.Step]) -> String {
    steps.map { if case .send(let bytes) = $0 { String(decoding: bytes, as: UTF8.self) } else { "" } }.joined()
}

private func outcomes(_ steps: [TableProgram.Step]) -> [UInt64: TableProgramOutcome] {
    var found: [UInt64: TableProgramOutcome] = [:]
    for case .answer(let number, let outcome) in steps {
        #expect(found[number] == nil, "one outcome for each question")
        found[number] = outcome
    }
    return found
}

/// The number in a line that was sent.
private func id(_ steps: [TableProgram.Step], _ index: Int = 0) -> String {
    let line = sent(steps).split(separator: "\n")[index].split(separator: "|", omittingEmptySubsequences: false)
    return String(line[4] == "update" || line[4] == "fetch" ? line[line.count - 1] : line[6])
}

extension TableProgramOutcome {
    fileprivate var isFailure: Bool { if case .failed = self { true } else { false } }
}

@Suite("Table programs in lines (smtpd-tables(7), protocol 0.1)") struct TableProgramLineTests {
    @Test func `it is told the configuration, registers, and is asked`() {
        var bench = Bench()
        bench.start()
        #expect(bench.take() == [.start])
        bench.ask(1, .lookup(.userinfo, key: "ada"))
        #expect(bench.take() == [])
        bench.started()
        #expect(sent(bench.take()) == "config|smtpd-version|7.8.0-martlet\nconfig|protocol|0.1\nconfig|tablename|users\nconfig|ready\n")
        bench.hear("register|userinfo\nregis")
        #expect(bench.take() == [])
        bench.hear("ter|ready\n")
        let asked = bench.take()
        #expect(sent(asked) == "table|0.1|1700000000.000123|users|lookup|userinfo|\(id(asked))|ada\n")
        #expect(id(asked).count == 8)
        bench.hear("lookup-result|\(id(asked))|found|1000:1000:/home/a|da\n")
        #expect(bench.take() == [.answer(1, .answer(.found("1000:1000:/home/a|da")))])
    }

    @Test func `the forms of the other requests`() {
        var bench = Bench.serving(["source", "domain"])
        bench.ask(1, .fetch(.source))
        bench.ask(2, .check(.domain, key: "example.org"))
        bench.ask(3, .update)
        let asked = bench.take()
        let (one, two, three) = (id(asked, 0), id(asked, 1), id(asked, 2))
        let start = "table|0.1|1700000000.000123|users"
        #expect(sent(asked) == "\(start)|fetch|source|\(one)\n\(start)|check|domain|\(two)|example.org\n\(start)|update|\(three)\n")
        bench.hear("update-result|\(three)|ok\ncheck-result|\(two)|found\nfetch-result|\(one)|found|192.0.2.1\n")
        #expect(bench.take() == [
            .answer(3, .updated), .answer(2, .answer(.found("example.org"))), .answer(1, .answer(.found("192.0.2.1"))),
        ])
    }

    @Test func `answers come in any order and in pieces`() {
        var bench = Bench.serving()
        for number in 1...20 { bench.ask(UInt64(number), .lookup(.alias, key: "k\(number)")) }
        let asked = bench.take()
        var text = ""
        for index in (0..<20).reversed() { text += "lookup-result|\(id(asked, index))|found|v\(index + 1)\n" }
        for byte in text.utf8 { bench.hear([byte]) }
        let found = outcomes(bench.take())
        #expect(found.count == 20)
        for number in 1...20 { #expect(found[UInt64(number)] == .answer(.found("v\(number)"))) }
    }

    @Test(arguments: [
        ("lookup-result|@|not-found\n", TableProgramOutcome.answer(.notFound)),
        ("lookup-result|@|error\n", .failed("the table program reports an error")),
        ("lookup-result|@|error|no | database\n", .failed("no | database")),
        ("lookup-result|@|found|\n", .failed("a value that is empty or no text")),
        ("lookup-result|@|found|a\rb\n", .failed("a value that is empty or no text")),
        ("lookup-result|@|found|a\u{0}b\n", .failed("a value that is empty or no text")),
    ])
    func `an answer means`(_ line: String, _ expected: TableProgramOutcome) {
        var bench = Bench.serving()
        bench.ask(7, .lookup(.alias, key: "ada"))
        let asked = bench.take()
        bench.hear(line.replacing("@", with: id(asked)))
        #expect(bench.take() == [.answer(7, expected)])
    }

    @Test func `a value that is no UTF-8 fails that question alone`() {
        var bench = Bench.serving()
        bench.ask(7, .lookup(.alias, key: "ada"))
        let asked = bench.take()
        bench.hear(Array("lookup-result|\(id(asked))|found|".utf8) + [0xFF, 0x0A])
        #expect(bench.take() == [.answer(7, .failed("a value that is empty or no text"))])
    }

    @Test(arguments: [
        "", "|", "lookup-result", "lookup-result|@", "lookup-result|@|", "lookup-result|@|found", "lookup-result|@|maybe",
        "lookup-result|@|not-found|x", "check-result|@|found", "update-result|@|ok", "lookup-result|00000000|not-found",
        "lookup-result|1|not-found", "lookup-result|+0000001|not-found", "lookup-result|zzzzzzzz|not-found",
        "register|alias", "lookup-result|@|FOUND|x", " lookup-result|@|found|x", "lookup-result|@|ok",
    ])
    func `nonsense ends the program, and is a failure for whoever asked`(_ line: String) {
        var bench = Bench.serving()
        bench.ask(7, .lookup(.alias, key: "ada"))
        let asked = bench.take()
        bench.hear(line.replacing("@", with: id(asked)) + "\nlookup-result|\(id(asked))|found|x\n")
        let steps = bench.take()
        #expect(steps.contains(.stop))
        #expect(outcomes(steps)[7]?.isFailure == true)
        #expect(steps.contains { if case .warn(let text) = $0 { text.contains("nonsense") } else { false } })
    }

    @Test func `an answer comes once`() {
        var bench = Bench.serving()
        bench.ask(7, .lookup(.alias, key: "ada"))
        let asked = bench.take()
        bench.hear("lookup-result|\(id(asked))|not-found\nlookup-result|\(id(asked))|found|x\n")
        let steps = bench.take()
        #expect(outcomes(steps)[7] == .answer(.notFound))
        #expect(steps.contains(.stop))
    }

    @Test(arguments: ["register|nosuch\n", "register|ready\n", "hello\n", "register\n", "register|alias|x\n", "lookup-result|00000001|found|x\n"])
    func `an introduction that is none`(_ text: String) {
        var bench = Bench()
        bench.start()
        bench.ask(1, .lookup(.alias, key: "ada"))
        bench.started()
        _ = bench.take()
        bench.hear(text)
        let steps = bench.take()
        #expect(steps.contains(.stop))
        #expect(outcomes(steps)[1]?.isFailure == true)
    }

    @Test(arguments: ["a\nb", "a\rb", "a\u{0}b"])
    func `a key that would be another line is not sent`(_ key: String) {
        var bench = Bench.serving()
        bench.ask(1, .lookup(.alias, key: key))
        let steps = bench.take()
        #expect(outcomes(steps)[1]?.isFailure == true)
        #expect(sent(steps) == "")
    }

    @Test func `a service that was not registered is not asked for`() {
        var bench = Bench.serving(["alias"])
        bench.ask(1, .check(.domain, key: "x"))
        #expect(bench.take() == [.answer(1, .failed("the table does not serve domain"))])
        bench.ask(2, .services)
        #expect(bench.take() == [.answer(2, .services([.alias]))])
    }

    @Test func `keys are lowered, but that of auth is not`() {
        let query = TableQuery(table: "t", service: .alias, operation: .lookup, key: "Ada")
        #expect(TableProgramRequest(query) == .lookup(.alias, key: "ada"))
        let auth = TableQuery(table: "t", service: .auth, operation: .match, key: "Ada:SecreT")
        #expect(TableProgramRequest(auth) == .check(.auth, key: "Ada:SecreT"))
    }

    @Test func `a line without an end is cut off`() {
        var bench = Bench.serving()
        bench.ask(1, .lookup(.alias, key: "ada"))
        _ = bench.take()
        for _ in 0..<LineConversation.maximumLine / 100 { bench.hear(String(repeating: "x", count: 100)) }
        #expect(!bench.steps.contains(.stop))
        bench.hear(String(repeating: "x", count: 100))
        #expect(bench.take().contains(.stop))
    }
}

@Suite("Table programs that are slow, silent, or gone") struct TableProgramCourseTests {
    @Test func `at most so many questions are open, the next follows an answer`() {
        var bench = Bench.serving { $0.open = 2 }
        for number in 1...3 { bench.ask(UInt64(number), .lookup(.alias, key: "k\(number)")) }
        let asked = bench.take()
        #expect(sent(asked).split(separator: "\n").count == 2)
        bench.hear("lookup-result|\(id(asked, 1))|not-found\n")
        #expect(sent(bench.take()).hasSuffix("|k3\n"))
    }

    @Test func `at most so many questions wait`() {
        var bench = Bench.serving { ($0.open, $0.waiting) = (1, 2) }
        for number in 1...4 { bench.ask(UInt64(number), .lookup(.alias, key: "k\(number)")) }
        #expect(outcomes(bench.take()) == [4: .failed("too many questions wait for the table program")])
    }

    @Test func `one that says nothing to a question is started again`() {
        var bench = Bench.serving()
        bench.ask(1, .lookup(.alias, key: "ada"))
        _ = bench.take()
        #expect(bench.program.deadline == .seconds(30))
        bench.pass(29.999)
        #expect(bench.take() == [])
        bench.pass(0.001)
        let steps = bench.take()
        // It had served for long.
        #expect(outcomes(steps)[1]?.isFailure == true)
        #expect(steps.contains(.stop) && steps.last == .start)
    }

    @Test func `one that is late with one answer of many goes on, and the answer is ignored`() {
        var bench = Bench.serving()
        bench.ask(1, .lookup(.alias, key: "slow"))
        let slow = id(bench.take())
        bench.pass(20)
        bench.ask(2, .lookup(.alias, key: "quick"))
        bench.hear("lookup-result|\(id(bench.take()))|not-found\n")
        bench.pass(10)
        #expect(outcomes(bench.take()) == [
            1: .failed("the table program did not answer in time"), 2: .answer(.notFound),
        ])
        bench.hear("lookup-result|\(slow)|found|x\n")
        #expect(bench.take() == [])
        #expect(bench.program.deadline == nil)
    }

    @Test func `one that dies is a failure for all who asked, and starts again at once when it had served`() {
        var bench = Bench.serving()
        bench.pass(10)
        bench.ask(1, .lookup(.alias, key: "a"))
        bench.ask(2, .lookup(.alias, key: "b"))
        bench.ended()
        let steps = bench.take()
        #expect(outcomes(steps).values.allSatisfy { $0.isFailure } && outcomes(steps).count == 2)
        #expect(steps.last == .start)
        bench.ask(3, .lookup(.alias, key: "c"))
        bench.started()
        bench.hear("register|alias\nregister|ready\n")
        #expect(sent(bench.take()).hasSuffix("|c\n"))
    }

    @Test func `one that keeps dying is started less and less often`() {
        var bench = Bench()
        bench.start()
        var rests: [Duration] = []
        for _ in 0..<9 {
            bench.started()
            bench.hear("register|alias\nregister|ready\n")
            _ = bench.take()
            bench.ended()
            guard let until = bench.program.deadline else { break }
            rests.append(until - bench.now)
            // Nobody waits for it meanwhile.
            bench.ask(1, .lookup(.alias, key: "a"))
            #expect(outcomes(bench.take()).values.allSatisfy { $0.isFailure })
            bench.now = until
            bench.pass(0)
            #expect(bench.take() == [.start])
        }
        #expect(rests == [1, 2, 4, 8, 16, 32, 60, 60, 60].map { .seconds($0) })
    }

    @Test func `one that cannot be started is a failure`() {
        var bench = Bench()
        bench.ask(1, .lookup(.alias, key: "a"))
        #expect(bench.take() == [.start])
        bench.steps += bench.program.notStarted("no such file", at: bench.time)
        #expect(outcomes(bench.take())[1] == .failed("its program cannot be started: no such file"))
    }

    @Test func `a table that is closed ends its program and fails its questions`() {
        var bench = Bench.serving()
        bench.ask(1, .lookup(.alias, key: "a"))
        _ = bench.take()
        bench.steps += bench.program.close()
        #expect(bench.take() == [.stop, .answer(1, .failed("the table is closed"))])
        bench.ask(2, .update)
        #expect(outcomes(bench.take())[2]?.isFailure == true)
        #expect(bench.program.deadline == nil)
    }

    @Test func `a process that comes after the table was closed is ended`() {
        var bench = Bench()
        bench.start()
        bench.steps += bench.program.close()
        _ = bench.take()
        bench.started()
        #expect(bench.take() == [.stop])
    }

    @Test func `thousands of mutilated conversations neither trap nor lose a question`() {
        var random = SplitMix64(seed: 17)
        for _ in 0..<3_000 {
            var bench = Bench()
            bench.start()
            bench.started()
            var asked: Set<UInt64> = []
            var heard: [UInt64] = []
            for number in 1...UInt64.random(in: 2...6, using: &random) {
                asked.insert(number)
                bench.ask(number, [.lookup(.alias, key: "a"), .check(.alias, key: "b"), .update, .fetch(.alias)].randomElement(using: &random)!)
            }
            var text = Array("register|alias\nregister|ready\n".utf8)
            for id in 1...8 {
                let word = ["lookup-result", "check-result", "update-result", "fetch-result"].randomElement(using: &random)!
                let rest = ["found|x", "found", "not-found", "error|y", "ok"].randomElement(using: &random)!
                text += Array("\(word)|0000000\(id)|\(rest)\n".utf8)
            }
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                text[Int.random(in: 0..<text.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            while !text.isEmpty {
                let piece = Array(text.prefix(Int.random(in: 1...40, using: &random)))
                text.removeFirst(piece.count)
                bench.hear(piece)
            }
            bench.pass(31)
            bench.pass(31)
            bench.ended()
            bench.steps += bench.program.close()
            for case .answer(let number, _) in bench.take() { heard.append(number) }
            #expect(heard.count == asked.count && Set(heard) == asked)
        }
    }
}

@Suite("Table programs in frames (the table API before OpenSMTPD 7.6)") struct TableProgramFrameTests {
    private static func frame(_ kind: UInt8, _ content: [UInt8] = []) -> [UInt8] {
        let length = UInt16(16 + content.count)
        return [kind, 0, 0, 0, UInt8(length & 255), UInt8(length >> 8)] + [UInt8](repeating: 0, count: 6) + [0xE4, 0x5F, 0, 0] + content
    }

    /// A machine whose program has ended without a word when it was spoken to in lines.
    private static func bench() -> Bench {
        var bench = Bench(table: "tbl")
        bench.start()
        bench.started()
        _ = bench.take()
        bench.ended()
        #expect(bench.take() == [.stop, .start])
        bench.started()
        return bench
    }

    @Test func `one that ends without a word is opened in frames`() {
        var bench = Self.bench()
        guard case .send(let opening)? = bench.take().first else { return #expect(Bool(false)) }
        #expect(opening.count == 16 + 4 + 2_048)
        #expect(Array(opening.prefix(24)) == [2, 0, 0, 0, 0x14, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0] + Array("tbl\0".utf8))
        bench.ask(1, .lookup(.userinfo, key: "ada"))
        bench.hear(Self.frame(0))
        let steps = bench.take()
        #expect(steps.contains(.note("table tbl: its program speaks the protocol of OpenSMTPD before 7.6")))
        #expect(steps.contains(.send([6, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] + Array("ada\0".utf8))))
        bench.hear(Self.frame(0, [1, 0, 0, 0] + Array("1000:1000:/home/ada\0".utf8)))
        #expect(bench.take() == [.answer(1, .answer(.found("1000:1000:/home/ada")))])
    }

    @Test func `so is one that says nothing at all`() {
        var bench = Bench()
        bench.start()
        bench.started()
        _ = bench.take()
        bench.pass(30)
        #expect(bench.take() == [.stop, .start])
    }

    @Test func `one that likes neither is started again later, in lines`() {
        var bench = Self.bench()
        _ = bench.take()
        bench.ask(1, .update)
        bench.ended()
        let steps = bench.take()
        #expect(outcomes(steps)[1]?.isFailure == true)
        #expect(steps.contains { if case .warn(let text) = $0 { text.contains("whether it is spoken to in lines or in frames") } else { false } })
        bench.pass(1)
        bench.started()
        #expect(sent(bench.take()).hasPrefix("config|"))
    }

    @Test func `what has worked is kept`() {
        var bench = Self.bench()
        bench.hear(Self.frame(0))
        bench.pass(10)
        _ = bench.take()
        bench.ended()
        #expect(bench.take().last == .start)
        bench.started()
        guard case .send(let opening)? = bench.take().first else { return #expect(Bool(false)) }
        #expect(opening.first == 2)
    }

    @Test func `one request at a time`() {
        var bench = Self.bench()
        bench.hear(Self.frame(0))
        _ = bench.take()
        bench.ask(1, .check(.domain, key: "a"))
        bench.ask(2, .fetch(.source))
        bench.ask(3, .update)
        #expect(bench.take().count == 1)
        bench.hear(Self.frame(0, [1, 0, 0, 0]))
        #expect(bench.take() == [
            .answer(1, .answer(.found("a"))),
            .send([7, 0, 0, 0, 0x1C, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ])
        bench.hear(Self.frame(0, [0, 0, 0, 0]))
        #expect(bench.take() == [.answer(2, .answer(.notFound)), .send([4, 0, 0, 0, 0x10] + [UInt8](repeating: 0, count: 11))])
        bench.hear(Self.frame(0, [1, 0, 0, 0]))
        #expect(bench.take() == [.answer(3, .updated)])
    }

    @Test(arguments: [
        ([0xFF, 0xFF, 0xFF, 0xFF] as [UInt8], true), ([2, 0, 0, 0], false), ([1, 0, 0, 0], false), ([1, 0, 0], false), ([], false),
        ([1, 0, 0, 0, 0x61], false), ([0, 0, 0, 0, 0], false), ([1, 0, 0, 0, 0], true), ([1, 0, 0, 0, 0x61, 0, 0x62, 0], true),
    ])
    func `an answer that is none is a failure, and nonsense ends the program`(_ content: [UInt8], _ goesOn: Bool) {
        var bench = Self.bench()
        bench.hear(Self.frame(0))
        bench.ask(1, .lookup(.alias, key: "a"))
        _ = bench.take()
        bench.hear(Self.frame(0, content))
        let steps = bench.take()
        #expect(outcomes(steps)[1]?.isFailure == true)
        #expect(steps.contains(.stop) != goesOn)
    }

    @Test(arguments: [[0, 0, 0, 0, 15, 0], [0, 0, 0, 0, 1, 0x40]] as [[UInt8]])
    func `a frame of an impossible length ends the program`(_ start: [UInt8]) {
        var bench = Self.bench()
        _ = bench.take()
        bench.hear(start + [UInt8](repeating: 0, count: 10))
        #expect(bench.take().contains(.stop))
    }

    @Test func `a service that the old protocol does not have`() {
        var bench = Self.bench()
        bench.hear(Self.frame(0))
        _ = bench.take()
        bench.ask(1, .check(.auth, key: "a:b"))
        #expect(outcomes(bench.take())[1]?.isFailure == true)
        bench.ask(2, .services)
        #expect(bench.take() == [.answer(2, .services(nil))])
    }
}
