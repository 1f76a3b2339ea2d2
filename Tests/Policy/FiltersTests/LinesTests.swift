import Configuration
import Envelopes
import MailSyntax
import SMTPProtocol
import Testing

@testable import Filters

let now = FilterTime(seconds: 1_576_146_008, microseconds: 6_099)
let session: UInt64 = 0x7641_df9771b4ed00

func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }

func facts(_ change: (inout FilterFacts) -> Void = { _ in }) -> FilterFacts {
    var facts = FilterFacts(
        session: session,
        client: ClientIdentity(
            source: .network(.v4(0xC000_0201)), reverseName: "client.example", forwardConfirmation: .confirmed),
        serverName: "mx.example")
    change(&facts)
    return facts
}

@Suite("Lines to filters (smtpd-filters(7))") struct LinesTests {
    private let message = MessageID("1ef1c203")!

    @Test func `the introduction names version, protocol, timeout, subsystems and admd`() {
        let introduction = FilterIntroduction(
            version: "7.8.0", sessionTimeout: 300, subsystems: [.outgoing, .incoming], admd: "mx.example")
        #expect(
            text(introduction.bytes)
                == "config|smtpd-version|7.8.0\nconfig|protocol|0.7\nconfig|smtp-session-timeout|300\n"
                + "config|subsystem|smtp-in\nconfig|subsystem|smtp-out\nconfig|admd|mx.example\nconfig|ready\n")
    }

    @Test func `each event has its fields in the order of the protocol`() {
        let id = "7641df9771b4ed00"
        let envelope = EnvelopeID("1ef1c203cc576e5d")!
        let expected: [(ReportEvent, String)] = [
            (
                .connected(reverseName: "a.example", .confirmed, source: "192.0.2.1:33174", destination: "192.0.2.2:25"),
                "link-connect|\(id)|a.example|pass|192.0.2.1:33174|192.0.2.2:25"
            ),
            (
                .connected(reverseName: "<unknown>", .undecided, source: "unix:/x", destination: "unix:/x"),
                "link-connect|\(id)|<unknown>|error|unix:/x|unix:/x"
            ),
            (.greeted(hostname: "mx.example"), "link-greeting|\(id)|mx.example"),
            (.identified(method: "EHLO", name: "a.example"), "link-identify|\(id)|EHLO|a.example"),
            (.tls("TLSv1.3:AES:256"), "link-tls|\(id)|TLSv1.3:AES:256"),
            (.authenticated(.refused, user: "a|b"), "link-auth|\(id)|fail|a|b"),
            (.disconnected, "link-disconnect|\(id)"),
            (.transactionReset(message), "tx-reset|\(id)|1ef1c203"), (.transactionBegun(message), "tx-begin|\(id)|1ef1c203"),
            (.mail(message, .accepted, address: Array("a@b".utf8)), "tx-mail|\(id)|1ef1c203|ok|a@b"),
            (.mail(nil, .refused, address: Array("a@b".utf8)), "tx-mail|\(id)|00000000|permfail|a@b"),
            (.recipient(message, .refused, address: Array("a@b".utf8)), "tx-rcpt|\(id)|1ef1c203|permfail|a@b"),
            (.recipient(message, .unavailable, address: Array("a@b".utf8)), "tx-rcpt|\(id)|1ef1c203|tempfail|a@b"),
            (.envelope(envelope), "tx-envelope|\(id)|1ef1c203|1ef1c203cc576e5d"),
            (.data(message, .accepted), "tx-data|\(id)|1ef1c203|ok"),
            (.committed(message, size: 17), "tx-commit|\(id)|1ef1c203|17"), (.rolledBack(message), "tx-rollback|\(id)|1ef1c203"),
            (.clientLine(Array("NOOP a|b".utf8)), "protocol-client|\(id)|NOOP a|b"),
            (.serverLine(Array("250-x".utf8)), "protocol-server|\(id)|250-x"),
            (.filterReport(.builtin, name: "f", text: Array("t|u".utf8)), "filter-report|\(id)|builtin|f|t|u"),
            (.filterResponse(.connect, response: "proceed", parameter: nil), "filter-response|\(id)|connected|proceed"),
            (
                .filterResponse(.commit, response: "reject", parameter: Array("550 x".utf8)),
                "filter-response|\(id)|commit|reject|550 x"
            ),
            (.timedOut, "timeout|\(id)"),
        ]
        for (event, rest) in expected {
            let line = text(FilterLines.report(event, of: session, in: .incoming, at: now))
            #expect(line == "report|0.7|1576146008.006099|smtp-in|\(rest)\n")
        }
        #expect(Set(expected.map(\.0.name)) == Set(ReportEvent.Name.allCases), "every event is here")
    }

    @Test func `older programs get the order of fields that they were written for`() {
        func line(_ event: ReportEvent, _ version: FilterProcess.ProtocolVersion) -> String {
            text(FilterLines.report(event, of: 1, in: .incoming, at: now, in: version))
        }
        let begin = "1576146008.006099|smtp-in"
        let login = ReportEvent.authenticated(.accepted, user: "a|b")
        #expect(line(login, .v0_7) == "report|0.7|\(begin)|link-auth|0000000000000001|pass|a|b\n")
        #expect(line(login, .v0_6) == "report|0.6|\(begin)|link-auth|0000000000000001|a?b|pass\n")
        for event in [
            ReportEvent.mail(message, .refused, address: Array("a@b".utf8)), .recipient(message, .refused, address: Array("a@b".utf8)),
        ] {
            #expect(line(event, .v0_6).hasSuffix("|1ef1c203|permfail|a@b\n"))
            #expect(line(event, .v0_5).hasPrefix("report|0.5|") && line(event, .v0_5).hasSuffix("|1ef1c203|a@b|permfail\n"))
        }
        let introduction = FilterIntroduction(version: "7", sessionTimeout: 300, subsystems: [], admd: "a", spoken: .v0_5)
        #expect(text(introduction.bytes).contains("\nconfig|protocol|0.5\n"))
        let question = FilterLines.question(FilterQuestion(.data), facts(), token: 1, at: now, in: .v0_5)
        #expect(text(question).hasPrefix("filter|0.5|\(begin)|data|"))
        #expect(text(FilterLines.contentPrefix(session: 1, token: 1, at: now, in: .v0_6)).hasPrefix("filter|0.6|\(begin)|data-line|"))
    }

    @Test func `each phase has its parameters`() {
        func line(_ phase: FilterPhase, _ argument: String = "") -> String {
            text(FilterLines.question(FilterQuestion(phase, argument: Array(argument.utf8)), facts(), token: 0xA, at: now))
        }
        let id = "7641df9771b4ed00|000000000000000a"
        let begin = "filter|0.7|1576146008.006099|smtp-in"
        #expect(line(.connect) == "\(begin)|connect|\(id)|client.example|192.0.2.1\n")
        #expect(line(.ehlo, "a.example") == "\(begin)|ehlo|\(id)|a.example\n")
        #expect(line(.mailFrom, "a|b@c") == "\(begin)|mail-from|\(id)|a|b@c\n")
        #expect(line(.commit) == "\(begin)|commit|\(id)|\n")
    }

    @Test func `nobody who names himself can give a line more fields, or a second line`() {
        let line = text(
            FilterLines.report(
                .connected(reverseName: "a|pass\nreport|", .unconfirmed, source: "s", destination: "d\r\nx"), of: 1, in: .incoming,
                at: now))
        #expect(line.hasSuffix("|link-connect|0000000000000001|a?pass?report?|fail|s|d??x\n"))
        #expect(line.utf8.filter { $0 == 0x0A }.count == 1)
    }

    @Test func `content has a prefix before each line, and leading dots doubled`() {
        var output: [UInt8] = []
        FilterLines.append(content: Array("a\n\n.b\n..\nc\rd\0\n".utf8), prefix: Array("P|".utf8), onto: &output)
        #expect(text(output) == "P|a\nP|\nP|..b\nP|...\nP|c\rd\0\n")
    }

    @Test func `content of any size is whole, and comes behind what is there`() {
        let prefix = Array("P|".utf8)
        for lengths in [[0], [65_534], [0, 65_534, 1, 70_000, 0], Array(repeating: 0, count: 40_000), Array(0..<600)] {
            // Every third line begins with a dot.
            let lines: [[UInt8]] = lengths.map { length in
                var line = [UInt8](repeating: UInt8(ascii: "x"), count: length)
                if length > 0, length.isMultiple(of: 3) { line[0] = UInt8(ascii: ".") }
                line.append(0x0A)
                return line
            }
            var output = Array("before".utf8)
            FilterLines.append(content: Array(lines.joined()), prefix: prefix, onto: &output)
            var expected = Array("before".utf8)
            for line in lines {
                expected += prefix
                if line[0] == UInt8(ascii: ".") { expected.append(line[0]) }
                expected += line
            }
            #expect(output == expected, "\(lengths.count) lines")
        }
    }

    @Test(arguments: [(0, "0.000000"), (6_099, "1.006099"), (999_999, "12.999999"), (1_000_000, "7.999999")] as [(Int32, String)])
    func `a moment has six digits behind the dot`(_ microseconds: Int32, _ expected: String) {
        let seconds = Int64(expected.prefix { $0 != "." })!
        var line: [UInt8] = []
        FilterTime(seconds: seconds, microseconds: microseconds).append(onto: &line)
        #expect(text(line) == expected)
    }
}

@Suite("Texts for replies") struct FilterReplyTests {
    @Test(arguments: [("550 no", 550), ("450 4.7.1 later", 450), ("599 x", 599)])
    func `is taken`(_ reply: String, _ code: UInt16) {
        #expect(FilterReply.reply(reply.utf8)?.code == code)
        #expect(FilterReply.reply(reply.utf8)?.text == reply)
    }

    @Test(arguments: ["", "5", "550", "550 ", "550-no", "250 ok", "350 x", "5a0 x", " 550 x", "no"])
    func `is none, and an internal error instead`(_ reply: String) {
        #expect(FilterReply.reply(reply.utf8) == nil)
        #expect(FilterReply.rejection(reply.utf8) == .disconnect(FilterReply.internalError))
    }

    @Test func `code 421 disconnects`() {
        #expect(FilterReply.rejection("421 x".utf8) == .disconnect(Reply(421, nil, "x")))
        #expect(FilterReply.rejection("450 x".utf8) == .reject(Reply(450, nil, "x")))
        #expect(FilterReply.disconnection("550 x".utf8) == .disconnect(Reply(550, nil, "x")))
    }

    @Test func `a long one is cut to a line`() {
        #expect(FilterReply.reply(("550 " + String(repeating: "x", count: 2_000)).utf8)?.text.utf8.count == 504)
    }
}
