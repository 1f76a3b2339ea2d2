import Envelopes
import MailSyntax
import Testing

@testable import Submission

private func address(_ text: String) -> MailAddress {
    AddressListParser.addresses(in: bytes(text), defaultDomain: here).mailboxes[0]
}

private func envelope(_ recipients: [String], sender: String? = "me") -> SubmissionEnvelope {
    SubmissionEnvelope(sender: sender.map { .mailbox(address($0)) } ?? .null, recipients: recipients.map(address))
}

/// Plays a server: the answer to a command, or nil to close the connection.
private func play(
    _ envelope: SubmissionEnvelope, whole: Bool = true, eightBit: Bool = false, verifies: Bool = false,
    greeting: String? = "220 x", extensions: [String] = ["PIPELINING", "8BITMIME", "SIZE 1000", "DSN", "SMTPUTF8"],
    answer: (String) -> String?
) -> (outcome: SubmissionOutcome, commands: [String], flights: Int) {
    var dialogue = SubmissionDialogue(
        envelope, content: .init(isEightBit: eightBit, size: whole ? 5 : nil, canRepeat: whole), verifies: verifies)
    var replies = [greeting]
    var commands: [String] = []
    var flights = 0
    var reader = SubmissionReplyReader()
    while true {
        switch dialogue.next() {
        case .send(let bytes):
            flights += 1
            for line in text(bytes).split(separator: "\r\n") {
                commands.append(String(line))
                if line.hasPrefix("EHLO") {
                    replies.append(
                        (["x"] + extensions).enumerated().map {
                            "250\($0.offset == extensions.count ? " " : "-")\($0.element)"
                        }.joined(separator: "\r\n"))
                } else if line != "QUIT" {
                    replies.append(answer(String(line)))
                }
            }
        case .awaitReply:
            guard !replies.isEmpty else {
                Issue.record("the client waits for a reply that nobody owes it")
                return (SubmissionOutcome(), commands, flights)
            }
            guard let reply = replies.removeFirst() else {
                dialogue.connectionLost()
                continue
            }
            reader.append(bytes(reply + "\r\n")[...])
            if let parsed = try? reader.next() { dialogue.take(parsed) } else { dialogue.connectionLost() }
        case .sendMessage:
            commands.append("MESSAGE")
            dialogue.messageSent()
        case .finish(let outcome):
            return (outcome, commands, flights)
        }
    }
}

/// Accepts everything but what is named.
private func accepting(_ exceptions: [String: String] = [:]) -> (String) -> String? {
    { command in
        for (part, reply) in exceptions where command.contains(part) { return reply }
        return command == "DATA" ? "354 go" : "250 2.0.0 ok"
    }
}

@Suite("Handing a message to the daemon (RFC 5321)") struct DialogueTests {
    @Test func `takes four round trips for one recipient`() {
        let (outcome, commands, flights) = play(envelope(["bob"]), answer: accepting())
        #expect(outcome.status == .ok)
        #expect(outcome.accepted == [address("bob")])
        #expect(
            commands == [
                "EHLO localhost", "MAIL FROM:<me@host.example> SIZE=5", "RCPT TO:<bob@host.example>", "DATA", "MESSAGE",
                ".",
                "QUIT"
            ])
        #expect(flights == 3)
    }

    @Test func `a server without extensions gets one plain command at a time`() {
        let (outcome, commands, flights) = play(
            envelope(["a", "b"], sender: nil), eightBit: true, extensions: [], answer: accepting())
        #expect(outcome.status == .ok)
        #expect(commands[1...4] == ["MAIL FROM:<>", "RCPT TO:<a@host.example>", "RCPT TO:<b@host.example>", "DATA"])
        #expect(flights == 6)
    }

    @Test func `good recipients get it and the status tells of the others`() {
        let (outcome, commands, _) = play(
            envelope(["a", "bad", "c"]), answer: accepting(["<bad@": "550 5.1.1 no such user"]))
        #expect(outcome.accepted == [address("a"), address("c")])
        #expect(outcome.refused.map(\.recipient) == [address("bad")])
        #expect(outcome.refused.first?.reply.text == "550 5.1.1 no such user")
        #expect(commands.contains("MESSAGE"))
        #expect(outcome.status == .noUser)
    }

    @Test func `nobody known means no message`() {
        let answers = accepting(["RCPT": "550 5.1.1 no", "DATA": "503 5.5.1 no recipients"])
        let (outcome, commands, _) = play(envelope(["a", "b"]), answer: answers)
        #expect(outcome.status == .noUser)
        #expect(!commands.contains("MESSAGE"))
        // A server that wants data all the same gets none (RFC 2920 section 3.1).
        let (other, sent, _) = play(envelope(["a"]), answer: accepting(["RCPT": "550 5.1.1 no", ".": "554 5.5.1 no"]))
        #expect(other.accepted.isEmpty)
        #expect(!sent.contains("MESSAGE"))
    }

    @Test(arguments: [
        (["MAIL": "452 4.3.1 disk full"], ExitCode.temporaryFailure), (["MAIL": "550 5.7.1 not you"], .unavailable),
        (["MAIL": "552 5.3.4 too big"], .badData), (["DATA": "451 4.3.0 later"], .temporaryFailure),
        (["DATA": "554 5.0.0 no"], .unavailable), ([".": "552 5.3.4 too big"], .badData),
        ([".": "550 5.6.0 content"], .badData), ([".": "452 4.3.1 disk full"], .temporaryFailure),
        (["RCPT": "451 4.3.0 later"], .temporaryFailure), (["RCPT": "550 5.1.1 unknown"], .noUser)
    ])
    func `a refusal becomes the status that callers know`(_ exceptions: [String: String], _ expected: ExitCode) {
        let answer: (String) -> String? = { command in
            for (part, reply) in exceptions where part == "." ? command == "." : command.hasPrefix(part) {
                return reply
            }
            if command == "DATA" { return exceptions["RCPT"] == nil ? "354 go" : "503 5.5.1 no recipients" }
            return "250 ok"
        }
        let (outcome, _, _) = play(envelope(["a"]), answer: answer)
        #expect(outcome.accepted.isEmpty)
        #expect(outcome.status == expected)
    }

    @Test func `a greeting that refuses, and none at all, are temporary`() {
        #expect(
            play(envelope(["a"]), greeting: "421 4.3.2 busy", answer: accepting()).outcome.status == .temporaryFailure)
        let (lost, _, _) = play(envelope(["a"]), greeting: nil, answer: accepting())
        #expect(lost.status == .temporaryFailure)
        #expect(lost.canGoElsewhere)
        #expect(play(envelope(["a"]), greeting: "554 5.3.2 no", answer: accepting()).outcome.status == .unavailable)
    }

    @Test
    func `a connection lost before the end of the message leaves it free to go elsewhere, one lost after does not`() {
        for command in ["MAIL", "RCPT", "DATA"] {
            let (outcome, _, _) = play(envelope(["a"])) { $0.hasPrefix(command) ? nil : accepting()($0) }
            #expect(outcome.canGoElsewhere)
            #expect(outcome.abandoned == [address("a")])
        }
        let (doubtful, _, _) = play(envelope(["a"])) { $0 == "." ? nil : accepting()($0) }
        #expect(!doubtful.canGoElsewhere)
        #expect(doubtful.status == .temporaryFailure)
    }

    @Test func `recipients beyond one transaction follow in others when the message can be sent again`() {
        let names = (0..<2500).map { "u\($0)" }
        let (outcome, commands, _) = play(envelope(names), answer: accepting())
        #expect(outcome.accepted.map(\.text) == names.map { "\($0)@host.example" })
        #expect(commands.filter { $0 == "MESSAGE" }.count == 3)
        #expect(commands.filter { $0 == "QUIT" }.count == 1)
        let (once, single, _) = play(envelope(names), whole: false, answer: accepting())
        #expect(once.accepted.count == 2500)
        #expect(single.filter { $0 == "MESSAGE" }.count == 1)
    }

    @Test func `those the server has no room for are asked again while there is progress`() {
        var taken = 0
        let answer: (String) -> String? = { command in
            if command.hasPrefix("MAIL") { taken = 0 }
            if command.hasPrefix("RCPT") {
                taken += 1
                return taken > 100 ? "452 4.5.3 too many recipients" : "250 ok"
            }
            return command == "DATA" ? "354 go" : "250 ok"
        }
        let (outcome, commands, _) = play(envelope((0..<250).map { "u\($0)" }), answer: answer)
        #expect(outcome.status == .ok)
        #expect(Set(outcome.accepted).count == 250)
        #expect(commands.filter { $0 == "MESSAGE" }.count == 3)
        let (stuck, _, _) = play(
            envelope(["a", "slow"]), answer: accepting(["<slow@": "451 4.3.0 later", "DATA": "354 go"]))
        #expect(stuck.accepted == [address("a")])
        #expect(stuck.status == .temporaryFailure)
    }

    @Test func `commands under way together are bounded`() {
        var dialogue = SubmissionDialogue(
            envelope((0..<1000).map { "u\($0)" }), content: .init(isEightBit: false, size: nil, canRepeat: false))
        dialogue.take(SubmissionReply(code: 220, lines: [[]]))
        _ = dialogue.next()
        dialogue.take(SubmissionReply(code: 250, lines: [bytes("x"), bytes("PIPELINING")]))
        guard case .send(let commands) = dialogue.next() else {
            Issue.record("commands follow EHLO")
            return
        }
        #expect(text(commands).split(separator: "\r\n").count <= 200)
        #expect(dialogue.next() == .awaitReply)
    }

    @Test func `parameters are those the server offers and the message needs`() {
        var all = envelope(["j\u{FC}@host.example"])
        all.notify = [.success, .failure]
        all.returnContent = .headers
        all.envelopeIdentifier = bytes("id +=x")
        let (_, commands, _) = play(all, eightBit: true, answer: accepting())
        #expect(commands[1] == "MAIL FROM:<me@host.example> SIZE=5 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=id+20+2B+3Dx")
        #expect(commands[2] == "RCPT TO:<j\u{FC}@host.example> NOTIFY=SUCCESS,FAILURE")
        all.envelopeIdentifier = [UInt8](repeating: 0x61, count: 100)
        #expect(play(all, answer: accepting()).commands[1].contains("ENVID"))
        for wrong in [[UInt8](repeating: 0x61, count: 101), bytes("a\nb"), bytes("\u{E9}"), [0x7F]] {
            all.envelopeIdentifier = wrong
            #expect(!play(all, answer: accepting()).commands[1].contains("ENVID"))
        }
        #expect(play(all, extensions: [], answer: accepting()).commands[2] == "RCPT TO:<j\u{FC}@host.example>")
    }

    @Test func `verifying asks about the recipients and sends nothing`() {
        let (outcome, commands, _) = play(
            envelope(["a", "bad"]), verifies: true, answer: accepting(["<bad@": "550 no"]))
        #expect(outcome.accepted == [address("a")])
        #expect(outcome.status == .noUser)
        #expect(!commands.contains("DATA"))
        #expect(play(envelope(["a"]), verifies: true, answer: accepting()).outcome.status == .ok)
    }
}
