import ControlMessages
import Envelopes
import MailSyntax
@testable import smtpctl
import SeededTesting
import Testing

@Suite("Words of smtpctl(8)") struct CommandTests {
    /// The request that a command line stands for; nil when it stands for none.
    private func request(_ line: String) -> ClientToControl? {
        guard case .ask(let request, _)? = try? Commands.parse(line.split(separator: " ").map(String.init)) else { return nil }
        return request
    }

    private func problem(_ line: String) -> Commands.Problem? {
        do throws(Commands.Problem) {
            _ = try Commands.parse(line.split(separator: " ").map(String.init))
            return nil
        } catch {
            return error
        }
    }

    @Test func `every command of the synopsis is understood as it is written`() {
        for line in Commands.synopsis {
            let words = line.split(separator: " ").map { word in
                switch word {
                case "<evpid>": "0123456789abcdef"
                case "<msgid>": "01234567"
                case "<routeid>": "7"
                case "<address>": "192.0.2.1"
                case "<filter>", "<facts>", "<events>": "from=ada@example.org"
                case "<table>", "<domain>", "<subject>", "<password>", "<method>", "<certificate>", "<key>", "<server>", "<user>": "aliases"
                default: String(word)
                }
            }
            #expect((try? Commands.parse(words)) != nil, "\(line)")
        }
        #expect(Commands.synopsis == Commands.synopsis.sorted())
        #expect(Set(Commands.synopsis).count == Commands.synopsis.count)
    }

    @Test func `explain takes an address with facts, an envelope, or a file besides`() {
        #expect(request("explain ada@example.org") == .explain(["ada@example.org"], asJSON: false))
        #expect(request("exp ada@example.org tag=x tls=yes") == .explain(["ada@example.org", "tag=x", "tls=yes"], asJSON: false))
        #expect(request("explain 5F3A9C1E00D1B2C4") == .explain(["5f3a9c1e00d1b2c4"], asJSON: false))
        for words in [["ada@example.org"], ["ada@example.org", "tag=x"]] {
            guard case .run(.explain("smtpd.conf", words, asJSON: true))? = try? Commands.parse(["explain", "-f", "smtpd.conf"] + words, asJSON: true) else {
                Issue.record("\(words)")
                continue
            }
        }
        guard case .incomplete? = problem("explain"), case .incomplete? = problem("explain -f smtpd.conf") else {
            Issue.record("nothing is explained")
            return
        }
    }

    @Test func `history takes an id or a filter of its own`() throws {
        #expect(request("history") == .history(HistoryFilter(), asJSON: false))
        #expect(request("history 5f3a9c1e") == .history(try HistoryFilter(words: ["id=5f3a9c1e"]), asJSON: false))
        #expect(request("hist to=bob@example.org newer=2d") == .history(try HistoryFilter(words: ["to=bob@example.org", "newer=2d"]), asJSON: false))
        guard case .events? = problem("history state=held") else {
            Issue.record("a state is none of the history")
            return
        }
    }

    @Test func `words may be shortened to what no other begins with`() {
        #expect(request("sh q") == .showQueue(.all))
        #expect(request("show stats") == .showStatistics)
        #expect(request("show statu") == .showStatus)
        #expect(request("l b") == .setVerbose(false))
        #expect(request("sc all") == .schedule(.all))
        #expect(request("pa mda") == .setPaused(.mda, true))
        #expect(request("rem all") == .remove(.all))
        #expect(request("up t aliases") == .updateTable("aliases"))
    }

    @Test(arguments: ["s", "sh s", "re", "pause m", "show stat"])
    func `a beginning of several words is none of them`(_ line: String) {
        guard case .incomplete(let lines, nil)? = problem(line) else {
            Issue.record("\(line) is taken for \(String(describing: request(line)))")
            return
        }
        #expect(lines.count > 1)
    }

    @Test func `an envelope is sixteen hexadecimal digits, a message eight, and never zero`() throws {
        let envelope = try #require(EnvelopeID("0123456789abcdef"))
        let message = try #require(MessageID("01234567"))
        #expect(request("remove 0123456789abcdef") == .remove(.envelope(envelope)))
        #expect(request("remove 01234567") == .remove(.message(message)))
        #expect(request("pause envelope 01234567") == .suspend(.message(message)))
        #expect(request("resume envelope all") == .resume(.all))
        #expect(request("show message 0123456789abcdef") == .showMessage(envelope.message))
        #expect(request("show queue 01234567") == .showQueue(.message(message)))
        for word in ["0123456789abcde", "0123456789abcdef0", "0000000000000000", "0123456", "012345678", "00000000", "-1", "0x123456"] {
            #expect(request("remove \(word)") == nil, "\(word)")
        }
        #expect(request("show envelope 01234567") == nil)
        #expect(request("show queue 0123456789abcdef") == nil)
    }

    @Test func `a filter is one word or several, and what is wrong with it is said`() throws {
        let filter = try QueueFilter(words: ["from=*@example.org", "older=2h"])
        #expect(request("show queue from=*@example.org older=2h") == .showQueue(.matching(filter)))
        #expect(request("remove older=2h from=*@example.org") == .remove(.matching(filter)))
        #expect(request("pause envelope state=deferred") == .suspend(.matching(try QueueFilter(words: ["state=deferred"]))))
        #expect(problem("remove frm=x") == .filter(.unknownKey("frm=x")))
        #expect(problem("remove from=x from=y") == .filter(.repeated(.from)))
        #expect(request("show queue from=x 01234567") == nil)
    }

    @Test func `relaying is paused from an address, to a domain, or both`() {
        let source = IPAddress("192.0.2.1".utf8)
        #expect(request("pause mta from 192.0.2.1 for a.example") == .setRelayingPaused(source: source, domain: "a.example", true))
        #expect(request("resume mta from * for a.example") == .setRelayingPaused(source: nil, domain: "a.example", false))
        #expect(request("pause mta from 192.0.2.1 for *") == .setRelayingPaused(source: source, domain: nil, true))
        #expect(request("pause mta from * for *") == .setPaused(.mta, true))
        #expect(request("pause mta from mx.example for a.example") == nil)
        #expect(request("resume route 12") == .resumeRoute(12))
        for word in ["0", "-1", "x", "18446744073709551616"] { #expect(request("resume route \(word)") == nil) }
    }

    @Test func `an id cannot be shortened, a name cannot be mistaken for a keyword`() {
        #expect(request("remove 0123") == nil)
        #expect(request("update table al") == .updateTable("al"))
        #expect(request("update table all") == .updateTable("all"))
    }

    @Test func `what is missing is said`() {
        #expect(problem("pause") == .incomplete(
            [
                "pause envelope <evpid>", "pause envelope <filter>", "pause envelope <msgid>", "pause envelope all", "pause mda",
                "pause mta", "pause mta from <address> for <domain>", "pause smtp",
            ],
            meant: nil))
        #expect(problem("show envelope") == .incomplete(["show envelope <evpid>"], meant: nil))
        #expect(problem("stop now") == .invalid("now"))
        #expect(problem("log brief please") == .invalid("please"))
    }

    @Test(arguments: [
        ("shwo queue", "show"), ("show queu3", "queue"), ("show rotues", "routes"), ("mointor", "monitor"), ("sho quue", "queue"), ("pasue mda", "pause"), ("pause mat", "mta"),
        ("stpo", "stop"), ("relaod", "reload"), ("show messages", "message"),
    ])
    func `a slip of the fingers is recognized`(_ line: String, _ meant: String) {
        guard case .incomplete(_, let word)? = problem(line) else {
            Issue.record("\(line) is taken for \(String(describing: request(line)))")
            return
        }
        #expect(word == meant)
    }

    @Test(arguments: ["frobnicate", "xyzzy 1", "show zebra", "remove everything"])
    func `a word that is nothing alike suggests nothing`(_ line: String) {
        guard case .incomplete(_, nil)? = problem(line) else {
            Issue.record("\(line): \(String(describing: problem(line)))")
            return
        }
    }

    @Test func `any words at all end in a request or a problem`() {
        var random = SplitMix64(seed: 20)
        let pieces = Commands.synopsis.flatMap { $0.split(separator: " ").map(String.init) } + [
            "", " ", "-", "0123456789abcdef", "01234567", "\u{0}", "é", String(repeating: "a", count: 5000),
        ]
        for _ in 0..<5_000 {
            var words = (0..<Int.random(in: 1...5, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
            if Bool.random(using: &random), let last = words.popLast() {
                words.append(String(last.prefix(Int.random(in: 0...8, using: &random))))
            }
            _ = try? Commands.parse(words)
        }
    }
}
