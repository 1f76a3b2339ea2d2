import Envelopes
import MailSyntax
import SMTPProtocol
import Tables
import Testing
import WireFormat

@testable import ProcessMessages

private func isTaken<Message: WireMessage>(_ message: Message) -> Bool {
    isTaken(message.encoded, as: Message.self)
}

private func isTaken<Message: WireMessage>(_ bytes: [UInt8], as _: Message.Type) -> Bool {
    do throws(WireError) {
        _ = try Message(decoding: bytes[...])
        return true
    } catch {
        return false
    }
}

private let badNames = ["", "a\u{0}", "a\nb", "a\u{7F}", String(repeating: "n", count: 1_024)]

@Suite("What a process that was taken over cannot make another believe") struct HostilePeerTests {
    @Test(arguments: badNames) func `a name is not empty, short, and without control characters`(_ name: String) {
        #expect(!isTaken(ControlToLookup.updateTable(request: 1, name: name)))
        #expect(!isTaken(DispatcherToLookup.user(request: 1, userbase: name, name: "ada")))
        #expect(!isTaken(DispatcherToLookup.user(request: 1, userbase: "users", name: name)))
        #expect(!isTaken(DispatcherToLookup.hostname(request: 1, table: name, address: .v4(0))))
        #expect(!isTaken(ParentToLookup.user(request: 1, userbase: name, name: "ada")))
        #expect(!isTaken(AgentIdentity.user(name, userbase: "users")))
        #expect(!isTaken(AgentIdentity.user("ada", userbase: name)))
        #expect(!isTaken(UserEntry(name: name, uid: 1, gid: 1, directory: "/")))
        #expect(!isTaken(LocalDelivery(user: name)))
        #expect(!isTaken(EnvelopeDraft(recipient: Sample.ada, destination: Sample.ada, action: name, kind: .relay, timeToLive: 1)))
    }

    @Test func `what is to be signed is not empty, and no longer than the largest key`() {
        let most = [UInt8](repeating: 1, count: SignatureRequest.maximumLength)
        for make in [SignatureRequest.rsaPKCS1, SignatureRequest.rsaBlock, SignatureRequest.ecdsa] {
            #expect(isTaken(DispatcherToCrypto.sign(request: 1, key: 1, make(most))))
            #expect(!isTaken(DispatcherToCrypto.sign(request: 1, key: 1, make([]))))
            #expect(!isTaken(DispatcherToCrypto.sign(request: 1, key: 1, make(most + [1]))))
        }
        #expect(isTaken(CryptoToDispatcher.signed(request: 1, most)))
        #expect(!isTaken(CryptoToDispatcher.signed(request: 1, [])))
        #expect(!isTaken(CryptoToDispatcher.signed(request: 1, most + [1])))
        let key = [UInt8](repeating: 1, count: CryptoToParent.maximumPublicKey)
        #expect(isTaken(CryptoToParent.loaded(key: 1, publicKey: key)))
        #expect(!isTaken(CryptoToParent.loaded(key: 1, publicKey: key + [1])))
    }

    @Test func `the longest name is taken`() {
        #expect(isTaken(ControlToLookup.updateTable(request: 1, name: String(repeating: "n", count: 1_023))))
    }

    @Test func `text of strangers arrives as one printable line`() throws {
        let text = "a\nX-Forged: \u{1B}[2J\u{0}"
        let line = "a?X-Forged: ?[2J?"
        func arrives<Message: WireMessage & Equatable>(_ sent: Message, as expected: Message) throws {
            #expect(try Message(decoding: sent.encoded[...]) == expected)
        }
        try arrives(ChildToParent.fatal(text), as: .fatal(line))
        try arrives(UserVerdict.failed(text), as: .failed(line))
        try arrives(ForwardFile.temporaryFailure(text), as: .temporaryFailure(line))
        try arrives(ForwardFile.permanentFailure(text), as: .permanentFailure(line))
        try arrives(
            ParentToDispatcher.agentRefused(request: 1, isPermanent: true, reason: text),
            as: .agentRefused(request: 1, isPermanent: true, reason: line))
        try arrives(ParentToControl.reloaded(request: 1, errors: [text]), as: .reloaded(request: 1, errors: [line]))
        try arrives(
            LookupToControl.tableUpdated(request: 1, failure: text), as: .tableUpdated(request: 1, failure: line))
        try arrives(LookupToDispatcher.hostname(request: 1, text), as: .hostname(request: 1, line))
        try arrives(ExpansionVerdict.accepted(Sample.drafts, trace: text), as: .accepted(Sample.drafts, trace: line))
        try arrives(
            ExpansionVerdict.refused(Reply(550, "5.1.1", text), trace: text),
            as: .refused(Reply(550, "5.1.1", line), trace: line))
        try arrives(DeliveryOutcome.delivered(text), as: .delivered(line))
        try arrives(
            DeliveryOutcome.temporary(DeliveryFailure(status: "4.1.1", text: text)),
            as: .temporary(DeliveryFailure(status: "4.1.1", text: line)))
        try arrives(DeliveryHistory(lastError: text), as: DeliveryHistory(lastError: line))
        try arrives(Statistic(key: text, value: 1), as: Statistic(key: line, value: 1))
        var sent = Sample.full
        (sent.reverseName, sent.helo, sent.serverName, sent.tag, sent.user) = (text, text, text, text, text)
        var expected = Sample.full
        (expected.reverseName, expected.helo, expected.serverName, expected.tag, expected.user) = (
            line, line, line, line, line
        )
        try arrives(sent, as: expected)
    }

    @Test func `a line that its writer did not repair is refused`() {
        var writer = WireWriter()
        writer.write(UInt8(3))
        writer.write("a\nb")
        #expect(!isTaken(writer.bytes, as: ChildToParent.self))
    }

    @Test(arguments: [0, 9, 16, 0x80, 0xFF] as [UInt8])
    func `NOTIFY without a meaning is refused`(_ bits: UInt8) {
        #expect(!isTaken(NotifyOptions(rawValue: bits)))
    }

    @Test func `NOTIFY takes each combination of RFC 3461 and no other`() {
        let taken = (UInt8.min...UInt8.max).filter { isTaken(NotifyOptions(rawValue: $0)) }
        #expect(taken == [1, 2, 3, 4, 5, 6, 7, 8])
    }

    @Test(arguments: ["", "x", ";x", "rfc822;", "rfc822;a b", "rfc822;a+0Ab", "rfc822;a+", "rfc822;a\r\nb", "r\u{0};x"])
    func `an original recipient is type and xtext without control characters`(_ value: String) {
        var draft = Sample.drafts[1]
        draft.originalRecipient = Array(value.utf8)
        #expect(!isTaken(draft))
        var envelope = Sample.envelope(.relay)
        envelope.originalRecipient = Array(value.utf8)
        #expect(!isTaken(envelope))
    }

    @Test(arguments: [[0x0A], [0x41, 0], [0x7F], [0xC3, 0xA9]] as [[UInt8]])
    func `an envelope identifier is printable ASCII`(_ identifier: [UInt8]) {
        var transaction = Sample.full
        transaction.envelopeIdentifier = identifier
        #expect(!isTaken(transaction))
    }

    @Test func `an id with a half of zero is refused`() {
        for raw in [0, 1, 1 << 32] as [UInt64] {
            var writer = WireWriter()
            writer.write(UInt8(2))
            writer.write(raw)
            #expect(!isTaken(writer.bytes, as: SchedulerToQueue.self))
        }
    }

    @Test func `times are not negative`() {
        #expect(!isTaken(Timestamp(seconds: -1)))
        #expect(isTaken(Timestamp(seconds: 0)))
        #expect(!isTaken(BounceKind.delayed(after: -1)))
        #expect(!isTaken(SchedulerToQueue.notifyDelay(Sample.id, after: -1)))
        var envelope = Sample.envelope(.relay)
        envelope.timeToLive = -1
        #expect(!isTaken(envelope))
        #expect(
            !isTaken(
                ScheduledEnvelope(
                    id: Sample.id, kind: .relay, created: Timestamp(seconds: 1), timeToLive: -1, attempts: 0,
                    lastAttempt: nil, lastNotice: nil, isSuspended: false)))
    }

    @Test func `counts and sizes fit a signed number and are not negative`() {
        #expect(isTaken(MessageBody.file(size: UInt64(Int64.max))))
        #expect(!isTaken(MessageBody.file(size: UInt64(Int64.max) + 1)))
    }

    @Test func `a path is absolute and without a NUL`() {
        for path in ["", "var/mail", "~/x", "/a\u{0}b"] {
            #expect(!isTaken(LocalDelivery(user: nil, method: .file(path))))
        }
        #expect(!isTaken(LocalDelivery(user: nil, method: .pipe("a\u{0}"))))
        #expect(!isTaken(LocalDelivery(user: "ada", subaddress: "a\u{0}")))
        var writer = WireWriter()
        writer.write("ada")
        writer.write(UInt32(1))
        writer.write(UInt32(1))
        writer.write("home/ada")
        #expect(!isTaken(writer.bytes, as: UserEntry.self))
    }

    @Test func `an account without a home has the root directory for one`() throws {
        for home in ["", "home"] {
            #expect(UserEntry(name: "ada", uid: 1, gid: 1, directory: home).directory == "/")
        }
    }

    @Test func `the ids that mean "unchanged" are no user's`() {
        #expect(!isTaken(UserEntry(name: "ada", uid: .max, gid: 1, directory: "/")))
        #expect(!isTaken(UserEntry(name: "ada", uid: 1, gid: .max, directory: "/")))
    }

    @Test(arguments: ["", "5.1.1", "4.1", "4.1.1 x", "4.2.1000", "4.\n.1", "２.1.1"])
    func `a status that does not fit a temporary failure becomes the plain one`(_ status: String) throws {
        let sent = DeliveryOutcome.temporary(DeliveryFailure(status: status, text: "x"))
        let failure = DeliveryFailure(status: "4.0.0", text: "x")
        #expect(try DeliveryOutcome(decoding: sent.encoded[...]) == .temporary(failure))
        var writer = WireWriter()
        writer.write(UInt8(2))
        writer.write(status)
        writer.write("x")
        #expect(!isTaken(writer.bytes, as: DeliveryOutcome.self))
    }

    @Test func `a reply has a code that exists, a status of its class, and a line`() {
        func reply(_ code: UInt16, _ status: String?, _ lines: [String]) -> [UInt8] {
            var writer = WireWriter()
            writer.write(code)
            writer.write(status) { $1.write($0) }
            writer.write(list: lines) { $1.write($0) }
            return writer.bytes
        }
        #expect(isTaken(reply(599, "5.0.0", ["x"]), as: Reply.self))
        for (code, status, lines) in [
            (199, nil, ["x"]), (600, nil, ["x"]), (0, nil, ["x"]), (550, nil, []), (550, "4.0.0", ["x"]),
            (550, "5.0", ["x"]), (550, "5.0.0", ["x\r\n250 y"]),
        ] as [(UInt16, String?, [String])] {
            #expect(!isTaken(reply(code, status, lines), as: Reply.self))
        }
    }

    @Test func `a refusal refuses`() {
        #expect(!isTaken(ExpansionVerdict.refused(Reply(250, "2.1.5", "Ok"), trace: "")))
        #expect(!isTaken(ExpansionVerdict.refused(Reply(354, nil, "go on"), trace: "")))
    }

    @Test func `an acceptance has an envelope, and no more than expansion makes`() {
        func verdict(_ count: Int) -> ExpansionVerdict {
            .accepted(Array(repeating: Sample.drafts[0], count: count), trace: "")
        }
        #expect(!isTaken(verdict(0)))
        #expect(isTaken(verdict(ExpansionVerdict.maximumDrafts)))
        #expect(!isTaken(verdict(ExpansionVerdict.maximumDrafts + 1)))
    }

    @Test func `a domain has one exchanger at least and no more than the limit, a host as many addresses`() {
        let addresses = { AddressVerdict.found([IPAddress](repeating: .v4(1), count: $0), isAuthenticated: false) }
        #expect(!isTaken(addresses(0)))
        #expect(isTaken(addresses(AddressVerdict.maximumAddresses)))
        #expect(!isTaken(addresses(AddressVerdict.maximumAddresses + 1)))
        let exchangers = { count in
            let host = MailExchanger(preference: 1, host: Sample.ada.domain, addresses: .missing(hostExists: true))
            return ExchangerVerdict.exchangers([MailExchanger](repeating: host, count: count), isImplicit: false, isAuthenticated: false)
        }
        #expect(!isTaken(exchangers(0)))
        #expect(isTaken(exchangers(ExchangerVerdict.maximumExchangers)))
        #expect(!isTaken(exchangers(ExchangerVerdict.maximumExchangers + 1)))
    }

    @Test func `drafts come in frames of their limit`() {
        func message(_ count: Int) -> DispatcherToQueue {
            .envelopes(transfer: 1, Array(repeating: Sample.drafts[0], count: count))
        }
        #expect(!isTaken(message(0)))
        #expect(isTaken(message(DispatcherToQueue.maximumDrafts)))
        #expect(!isTaken(message(DispatcherToQueue.maximumDrafts + 1)))
    }

    @Test func `what is to be tried again, and what a relay's table holds, have limits`() {
        func retry(_ count: Int) -> DispatcherToQueue { .retry(Array(repeating: Sample.id, count: count)) }
        #expect(!isTaken(retry(0)))
        #expect(isTaken(retry(DispatcherToQueue.maximumDrafts)))
        #expect(!isTaken(retry(DispatcherToQueue.maximumDrafts + 1)))
        func entries(_ count: Int) -> RelayEntries { .found(Array(repeating: "smtp://h", count: count)) }
        #expect(isTaken(entries(RelayEntries.maximumEntries)))
        #expect(!isTaken(entries(RelayEntries.maximumEntries + 1)))
    }

    @Test func `work comes in frames of its limit, for one message`() {
        func message(_ ids: [EnvelopeID]) -> QueueToDispatcher {
            .deliver(
                Sample.plain, ids.map { .init(envelope: Sample.envelope(.relay, id: $0), isRepeat: false) },
                .inline([]))
        }
        #expect(!isTaken(message([])))
        #expect(isTaken(message([Sample.id, Sample.sibling])))
        #expect(!isTaken(message([Sample.id, Sample.stranger])))
        let limit = QueueToDispatcher.maximumAttempts
        #expect(isTaken(message(Array(repeating: Sample.id, count: limit))))
        #expect(!isTaken(message(Array(repeating: Sample.id, count: limit + 1))))
    }

    @Test func `nobody but the queue makes reports`() {
        for kind in Sample.kinds {
            var isReport = false
            if case .bounce = kind { isReport = true }
            let draft = EnvelopeDraft(recipient: Sample.ada, destination: Sample.ada, action: "a", kind: kind, timeToLive: 1)
            #expect(isTaken(draft) != isReport)
            let attempt = QueueToDispatcher.Attempt(envelope: Sample.envelope(kind), isRepeat: false)
            #expect(isTaken(attempt) != isReport)
        }
    }

    @Test func `a forward file is no larger than may be read`() {
        func file(_ count: Int) -> ForwardFile { .content([UInt8](repeating: 0x61, count: count)) }
        #expect(isTaken(file(ForwardFile.maximumSize)))
        #expect(!isTaken(file(ForwardFile.maximumSize + 1)))
    }
}
