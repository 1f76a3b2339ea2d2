import Milters
import SMTPProtocol
import Testing

@Suite("One session as a milter sees it (milter protocol, version 6)") struct MilterSessionTests {
    private let mail = MilterEvent.mail(Array("<a@b.example>".utf8), arguments: [])
    private let recipient = MilterEvent.recipient(Array("<c@d.example>".utf8), arguments: [])
    private let helo = MilterEvent.helo(Array("client.example".utf8))
    private let header = MilterEvent.header(name: Array("Subject".utf8), value: Array(" \thi\n there".utf8))

    // MARK: The offer

    @Test(arguments: [2, 3, 4, 6] as [UInt32]) func `Versions 2 to 6 are spoken`(_ version: UInt32) throws {
        let session = try MilterSession.met(version: version)
        #expect(session.wants(.data) == (version >= 4))
        #expect(session.wants(.unknown) == (version >= 3))
    }

    @Test(arguments: [0, 1, 7] as [UInt32]) func `Other versions are a fault`(_ version: UInt32) {
        #expect(throws: MilterFault.version(version)) { try MilterSession.met(version: version) }
    }

    @Test func `A step that was not offered is a fault`() {
        #expect(throws: MilterFault.steps(0x800)) { try MilterSession.met(steps: .refusedRecipients) }
    }

    @Test func `Anything before the answer to the offer is a fault`() {
        var session = MilterSession(maximumBody: 0)
        _ = session.offer()
        session.receive(packet("c"))
        #expect(throws: MilterFault.unexpected(UInt8(ascii: "c"))) { try session.next() }
    }

    // MARK: Steps

    @Test func `A step that is left out is not sent`() throws {
        var session = try MilterSession.met(steps: [.noHelo, .noHeaders])
        #expect(session.tell(helo, MilterMacros()) == .nothing)
        #expect(!session.wants(.header))
        guard case .ask = session.tell(mail, MilterMacros()) else { throw Unexpected() }
    }

    @Test func `A step without answer is sent and not waited for`() throws {
        var session = try MilterSession.met(steps: [.noReplyToHelo])
        #expect(session.tell(helo, MilterMacros()) == .send(packet("H", texts("client.example"))))
        guard case .ask = session.tell(mail, MilterMacros()) else { throw Unexpected() }
    }

    @Test func `Macros of the stage go first, those that are known`() throws {
        var macros = MilterMacros()
        macros["i"] = "abc"
        macros["mail_addr"] = "a@b.example"
        macros["tls_version"] = "TLSv1.3"
        var session = try MilterSession.met()
        let values = texts("i", "abc", "{mail_addr}", "a@b.example")
        #expect(session.tell(mail, macros) == .ask(packet("D", [0x4D] + values) + packet("M", texts("<a@b.example>"))))
    }

    @Test func `A milter that chooses its macros gets those`() throws {
        var macros = MilterMacros()
        macros["i"] = "abc"
        macros["tls_version"] = "TLSv1.3"
        var session = try MilterSession.met(macros: number(2) + texts("{tls_version} nonsense"))
        let values = packet("D", [0x4D] + texts("{tls_version}", "TLSv1.3"))
        #expect(session.tell(mail, macros) == .ask(values + packet("M", texts("<a@b.example>"))))
    }

    @Test func `Values of fields lose the white space in front, unless the milter wants it`() throws {
        var session = try MilterSession.met(steps: [.noReplyToHeaders])
        #expect(session.tell(header, MilterMacros()) == .send(packet("L", texts("Subject", "hi\n there"))))
        session = try MilterSession.met(steps: [.noReplyToHeaders, .leadingSpace])
        #expect(session.tell(header, MilterMacros()) == .send(packet("L", texts("Subject", " \thi\n there"))))
    }

    // MARK: Verdicts

    @Test func `Accept before a message ends the interest in the session`() throws {
        var session = try MilterSession.met()
        #expect(try session.hear(helo, packet("a")) == .verdict(.proceed))
        #expect(session.tell(mail, MilterMacros()) == .nothing)
    }

    @Test func `Accept within a message ends the interest in that message`() throws {
        var session = try MilterSession.met()
        #expect(try session.hear(mail, packet("c")) == .verdict(.proceed))
        #expect(try session.hear(recipient, packet("a")) == .verdict(.proceed))
        #expect(session.tell(.data, MilterMacros()) == .nothing)
        #expect(session.tell(.endOfMessage, MilterMacros()) == .nothing)
        // The next one begins behind an abort.
        #expect(session.tell(mail, MilterMacros()) == .ask(packet("A") + packet("M", texts("<a@b.example>"))))
    }

    @Test func `A refused recipient leaves the message`() throws {
        var session = try MilterSession.met()
        #expect(try session.hear(mail, packet("c")) == .verdict(.proceed))
        #expect(try session.hear(recipient, packet("r")) == .verdict(.refuse(Reply(550, "5.7.1", "Command rejected"))))
        #expect(
            try session.hear(recipient, packet("t"))
                == .verdict(.refuse(Reply(451, "4.7.1", "Service unavailable - try again later"))))
        #expect(try session.hear(recipient, packet("c")) == .verdict(.proceed))
        #expect(session.wants(.data))
    }

    @Test func `A reply of the milter is the client's`() throws {
        var session = try MilterSession.met()
        #expect(try session.hear(mail, packet("y", texts("554 5.7.0 Go away"))) == .verdict(.refuse(Reply(554, "5.7.0", "Go away"))))
        #expect(!session.wants(.recipient))
    }

    @Test func `Shutdown is 421, and no more is told`() throws {
        var session = try MilterSession.met()
        guard case .verdict(.refuse(let reply))? = try session.hear(mail, packet("4")) else { throw Unexpected() }
        #expect(reply.code == 421)
        #expect(!session.wants(.mail))
    }

    @Test func `Discard belongs to a message`() throws {
        var session = try MilterSession.met()
        #expect(try session.hear(mail, packet("d")) == .verdict(.discard))
        session = try MilterSession.met()
        #expect(throws: MilterFault.unexpected(UInt8(ascii: "d"))) { try session.hear(helo, packet("d")) }
    }

    @Test func `Skip ends the pieces of the body, until the next message`() throws {
        var session = try MilterSession.met(steps: [.skip])
        #expect(try session.hear(mail, packet("c")) == .verdict(.proceed))
        #expect(try session.hear(.body([1]), packet("s")) == .verdict(.proceed))
        #expect(!session.wants(.body))
        #expect(try session.hear(.endOfMessage, packet("c")) == .verdict(.proceed))
        #expect(session.abort() == [])
        #expect(session.wants(.body))
    }

    @Test func `Skip from a milter that did not say so is a fault`() throws {
        var session = try MilterSession.met()
        #expect(throws: MilterFault.unexpected(UInt8(ascii: "s"))) { try session.hear(.body([1]), packet("s")) }
    }

    @Test func `Progress is news and no verdict`() throws {
        var session = try MilterSession.met()
        #expect(try session.hear(mail, packet("p") + packet("p") + packet("c")) == .progress)
        #expect(try session.next() == .progress)
        #expect(try session.next() == .verdict(.proceed))
        #expect(try session.next() == nil)
    }

    @Test func `A milter may decline as if it were not there`() throws {
        var session = try MilterSession.met()
        #expect(throws: MilterFault.declined) { try session.hear(mail, packet("f")) }
    }

    @Test func `An answer that nobody waits for is a fault`() throws {
        var session = try MilterSession.met()
        session.receive(packet("c"))
        #expect(throws: MilterFault.unexpected(UInt8(ascii: "c"))) { try session.next() }
    }

    // MARK: Changes

    @Test func `Changes come at the end of the message, before the verdict`() throws {
        var session = try MilterSession.met()
        try session.reachEndOfMessage()
        session.receive(packet("h", texts("X-A", "1\r\n2")) + packet("-", texts("<c@d.example>")) + packet("a"))
        #expect(try session.next() == .change(.addHeader(.init(name: Array("X-A".utf8), value: Array(" 1\n\t2".utf8)))))
        #expect(try session.next() == .change(.removeRecipient(Array("<c@d.example>".utf8))))
        #expect(try session.next() == .verdict(.proceed))
    }

    @Test func `A change before the end is a fault`() throws {
        var session = try MilterSession.met()
        #expect(throws: MilterFault.unexpected(UInt8(ascii: "h"))) { try session.hear(mail, packet("h", texts("X-A", "1"))) }
    }

    @Test(arguments: [
        ("h", MilterActions.addHeaders, texts("X-A", "1")), ("m", .changeHeaders, number(1) + texts("X-A", "1")),
        ("b", .changeBody, [1]), ("+", [.addRecipients, .addRecipientsWithArguments], texts("<a@b>")),
        ("2", .addRecipientsWithArguments, texts("<a@b>", "X=1")), ("-", .removeRecipients, texts("<a@b>")),
        ("e", .changeSender, texts("<a@b>")), ("q", .quarantine, texts("x")),
    ] as [(Character, MilterActions, [UInt8])])
    func `A change without leave is a fault`(_ letter: Character, needs action: MilterActions, _ content: [UInt8]) throws {
        var session = try MilterSession.met(actions: MilterActions.all.subtracting(action))
        try session.reachEndOfMessage()
        session.receive(packet(letter, content))
        #expect(throws: MilterFault.notAllowed(letter.asciiValue ?? 0)) { try session.next() }
        session = try MilterSession.met(actions: action)
        try session.reachEndOfMessage()
        session.receive(packet(letter, content))
        guard case .change? = try session.next() else { throw Unexpected() }
    }

    @Test func `A new body has a bound`() throws {
        for (count, isTaken) in [(1_000, true), (1_001, false)] {
            var session = try MilterSession.met()
            try session.reachEndOfMessage()
            session.receive(packet("b", Array(repeating: 0x78, count: count)))
            if isTaken {
                guard case .change? = try session.next() else { throw Unexpected() }
            } else {
                #expect(throws: MilterFault.tooManyChanges) { try session.next() }
            }
        }
    }

    @Test func `Ten thousand changes are taken, and not one more`() throws {
        var session = try MilterSession.met()
        try session.reachEndOfMessage()
        for _ in 0..<10_000 {
            session.receive(packet("h", texts("X-A", "1")))
            guard case .change? = try session.next() else { throw Unexpected() }
        }
        session.receive(packet("h", texts("X-A", "1")))
        #expect(throws: MilterFault.tooManyChanges) { try session.next() }
    }

    // MARK: Ends

    @Test func `A message given up is aborted once`() throws {
        var session = try MilterSession.met()
        #expect(session.abort() == [])
        #expect(try session.hear(mail, packet("c")) == .verdict(.proceed))
        #expect(session.abort() == packet("A"))
        #expect(session.abort() == [])
        #expect(session.quit() == packet("Q"))
        #expect(session.quit() == [])
    }

    @Test func `A milter of version 6 can serve another session`() throws {
        var session = try MilterSession.met()
        #expect(try session.hear(mail, packet("c")) == .verdict(.proceed))
        #expect(session.quitAndContinue() == packet("A") + packet("K"))
        #expect(!session.offer().isEmpty)
        var old = try MilterSession.met(version: 4)
        #expect(old.quitAndContinue() == nil)
    }
}
