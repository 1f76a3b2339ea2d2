import Filters
import SMTPProtocol
import SeededTesting
import Testing

private let introduction = FilterIntroduction(version: "7", sessionTimeout: 300, subsystems: [.incoming], admd: "a")

private func program(_ registration: String = "register|filter|smtp-in|*\n") -> FilterProgram {
    var program = FilterProgram(introduction: introduction, seed: 0x10)
    _ = program.hear(registration + "register|ready\n")
    return program
}

extension FilterProgram {
    fileprivate mutating func hear(_ text: String) -> [Event] {
        receive(Array(text.utf8))
        var events: [Event] = []
        while let event = next() { events.append(event) }
        return events
    }
}

private func id(_ value: UInt64) -> String { text(FilterLines.digits(value)) }

@Suite("Dialogue with a filter program (smtpd-filters(7))") struct ProgramTests {
    // MARK: Registration

    @Test func `registers for what it names, and is then ready`() {
        var program = FilterProgram(introduction: introduction, seed: 0)
        #expect(!program.isReady)
        let events = program.hear(
            "register|report|smtp-in|link-connect\nregister|report|smtp-in|tx-mail\nregister|report|smtp-out|*\n"
                + "register|filter|smtp-in|mail-from\nregister|filter|smtp-in|data-line\nregister|ready\n")
        #expect(events == [.ready])
        #expect(program.isReady)
        #expect(program.registration.phases == [.mailFrom, .dataLine])
        #expect(program.registration.reports[.incoming] == [.linkConnect, .txMail])
        #expect(program.registration.reports[.outgoing] == Set(ReportEvent.Name.allCases))
    }

    @Test(arguments: [
        "register|report|smtp-in|tea-time", "register|filter|smtp-in|tea-time", "register|filter|smtp-out|connect",
        "register|report|x|link-connect", "register|report|smtp-in", "register|tea|smtp-in|connect", "register", "hello", "",
        "filter-result|1|2|proceed", "report|1|smtp-in|1|x",
    ]) func `is given up when it registers for what there is not`(_ line: String) {
        var program = FilterProgram(introduction: introduction, seed: 0)
        let events = program.hear(line + "\nregister|ready\n")
        #expect(events.count == 1)
        guard case .failed = events.first else {
            Issue.record("\(line): \(events)")
            return
        }
    }

    // MARK: Answers

    @Test(arguments: [
        ("proceed", FilterDecision.proceed), ("junk", .junk), ("reject|550 a|b", .reject(Reply(550, nil, "a|b"))),
        ("reject|421 x", .disconnect(Reply(421, nil, "x"))), ("reject|nonsense", .disconnect(FilterReply.internalError)),
        ("disconnect|550 x", .disconnect(Reply(550, nil, "x"))), ("rewrite|<a|b@c>", .rewrite(Array("<a|b@c>".utf8))),
        ("rewrite|", .rewrite([])), ("report|seen|it", .report(Array("seen|it".utf8), endsChain: true)),
    ]) func `answers with each decision`(_ answer: String, _ decision: FilterDecision) {
        var program = program()
        let token = program.ask(.mailFrom, in: 1)
        #expect(program.hear("filter-result|\(id(1))|\(id(token))|\(answer)\n") == [.decided(session: 1, decision)])
    }

    @Test(arguments: ["proceed|x", "junk|x", "reject", "rewrite", "disconnect", "report", "maybe", ""])
    func `is given up for an answer that is none`(_ answer: String) {
        var program = program()
        let token = program.ask(.mailFrom, in: 1)
        guard case .failed = program.hear("filter-result|\(id(1))|\(id(token))|\(answer)\n").last else {
            Issue.record("\(answer)")
            return
        }
        #expect(program.hear("filter-result|\(id(1))|\(id(token))|proceed\n").isEmpty, "and nothing after it counts")
    }

    @Test func `junk is no answer to commit`() {
        var program = program()
        let token = program.ask(.commit, in: 1)
        guard case .failed = program.hear("filter-result|\(id(1))|\(id(token))|junk\n").last else {
            Issue.record("taken")
            return
        }
    }

    @Test func `only the answer with the token of the open question counts`() {
        var program = program()
        let old = program.ask(.noop, in: 1)
        let new = program.ask(.noop, in: 1)
        #expect(program.hear("filter-result|\(id(1))|\(id(old))|proceed\n").isEmpty, "late")
        #expect(program.hear("filter-result|\(id(2))|\(id(new))|proceed\n").isEmpty, "of another session")
        #expect(program.hear("filter-result|\(id(1))|\(id(new))|proceed\n") == [.decided(session: 1, .proceed)])
        #expect(program.hear("filter-result|\(id(1))|\(id(new))|proceed\n").isEmpty, "twice")
        let last = program.ask(.noop, in: 1)
        program.forget(1)
        #expect(program.hear("filter-result|\(id(1))|\(id(last))|reject|550 x\n").isEmpty, "after the session")
    }

    @Test func `old programs put the token first`() {
        var program = program()
        let token = program.ask(.noop, in: 1)
        #expect(program.hear("filter-result|\(id(token))|\(id(1))|proceed\n") == [.decided(session: 1, .proceed)])
        let content = program.beginContent(in: 1)
        #expect(program.hear("filter-dataline|\(id(content))|\(id(1))|.\n") == [.contentFinished(session: 1)])
    }

    @Test func `reports by itself, with or without a version`() {
        var program = program()
        #expect(program.hear("report|1.2|smtp-in|\(id(9))|a|b\n") == [.report(session: 9, Array("a|b".utf8))])
        #expect(program.hear("report|0.7|1.2|smtp-in|\(id(9))|a\n") == [.report(session: 9, Array("a".utf8))])
    }

    // MARK: Content

    @Test func `content comes back in lines without the dots of SMTP`() {
        var program = program()
        let token = program.beginContent(in: 3)
        let begin = "filter-dataline|\(id(3))|\(id(token))|"
        let events = program.hear("\(begin)A: b\n\(begin)\n\(begin)..x\n\(begin)a|b\n\(begin).\n")
        var content: [UInt8] = []
        for case .content(3, let lines) in events { content += lines }
        #expect(text(content) == "A: b\n\n.x\na|b\n")
        #expect(events.last == .contentFinished(session: 3))
        #expect(program.hear("\(begin)late\n").isEmpty)
    }

    @Test func `content of two sessions is told apart, however the bytes are cut`() {
        var whole = program()
        let tokens = [whole.beginContent(in: 1), whole.beginContent(in: 2)]
        var input = ""
        for number in 0..<40 {
            let index = number % 7 < 4 ? 0 : 1
            input += "filter-dataline|\(id(UInt64(index + 1)))|\(id(tokens[index]))|line \(number)\n"
        }
        for index in 0...1 { input += "filter-dataline|\(id(UInt64(index + 1)))|\(id(tokens[index]))|.\n" }
        func content(of events: [FilterProgram.Event]) -> [UInt64: String] {
            var result: [UInt64: String] = [:]
            for case .content(let session, let lines) in events { result[session, default: ""] += text(lines) }
            return result
        }
        let copy = whole
        let expected = content(of: whole.hear(input))
        #expect(expected[1]?.hasPrefix("line 0\nline 1\n") == true)
        for size in [1, 3, 50, 61, 200] {
            var pieces = copy
            var events: [FilterProgram.Event] = []
            let bytes = Array(input.utf8)
            for start in stride(from: 0, to: bytes.count, by: size) {
                pieces.receive(Array(bytes[start..<min(start + size, bytes.count)]))
                while let event = pieces.next() { events.append(event) }
            }
            #expect(content(of: events) == expected, "pieces of \(size)")
        }
    }

    @Test func `a result in place of content is out of place`() {
        var program = program()
        let token = program.beginContent(in: 1)
        guard case .failed(.outOfPlace) = program.hear("filter-result|\(id(1))|\(id(token))|proceed\n").last else {
            Issue.record("taken")
            return
        }
    }

    @Test func `a line without an end is held up to a bound`() {
        var program = program()
        let piece = [UInt8](repeating: 0x61, count: 64 << 10)
        program.receive(piece)
        #expect(program.next() == nil)
        program.receive(piece)
        #expect(program.next() == .failed(.lineTooLong))
    }

    @Test func `nothing that a program says traps`() {
        var generator = SplitMix64(seed: 11)
        let words = [
            "filter-result", "filter-dataline", "report", "register", "|", "|", "|", "0000000000000001", "proceed", "reject", ".",
            "\n", "\n", "550 x", "smtp-in", "\0", "\r", "ffffffffffffffffff", "",
        ]
        for _ in 0..<3_000 {
            var program = program()
            _ = program.ask(.noop, in: 1)
            _ = program.beginContent(in: 1)
            var input = ""
            for _ in 0..<Int.random(in: 1...30, using: &generator) {
                input += words[Int.random(in: words.indices, using: &generator)]
            }
            _ = program.hear(input + "\n")
        }
    }
}
