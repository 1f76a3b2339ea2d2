import Envelopes
import MailSyntax
import Testing
import WireFormat
import WireTesting

@testable import AgentMessages

private func address(_ local: String, _ domain: String = "example.org") throws -> MailAddress {
    MailAddress(try LocalPart(validating: Array(local.utf8)), at: try Domain(validating: Array(domain.utf8)))
}

private func request(_ method: DeliveryMethod, _ body: DeliveryBody, sender: ReversePath = .null) throws
    -> DeliveryRequest
{
    DeliveryRequest(
        id: 7, envelope: try #require(EnvelopeID(rawValue: 0x0102_0304_0506_0708)), created: Timestamp(seconds: -3),
        isRepeat: true, sender: sender, recipient: try address("ada+lists"),
        destination: try address("ada b", "[192.0.2.1]"),
        method: method, body: body)
}

private func requests() throws -> [DispatcherToAgent] {
    let command = AgentCommand(
        line: "cat > \"$HOME/x\"", user: "ada", home: "/home/ada", subaddress: "lists", everyFailureIsTemporary: true)
    return [
        .deliver(try request(.maildir(path: "/home/ada/Maildir", subaddress: nil, filesJunk: true), .inline([1, 2]))),
        .deliver(try request(.maildir(path: "/m", subaddress: "lists", filesJunk: false), .inline([]))),
        .deliver(try request(.mbox(path: "/var/mail/ada"), .descriptor(offset: 5, size: 1 << 40))),
        .deliver(try request(.file(path: "/home/ada/x"), .inline([0]), sender: .mailbox(try address("bob")))),
        .deliver(try request(.lmtp(destination: "/run/lmtp", recipient: .user(try address("ada").localPart)), .inline([3]))),
        .deliver(try request(.lmtp(destination: "[::1]:24", recipient: .address(try address("ada"))), .inline([3]))),
        .deliver(try request(.command(command), .inline(Array(repeating: 9, count: 300)))),
        .endCommands(withinMilliseconds: 3_000),
    ]
}

private let answers: [AgentToDispatcher] = [
    .outcomes([]),
    .outcomes([
        AgentOutcome(request: 1, outcome: .delivered("Delivered")),
        AgentOutcome(request: .max, outcome: .temporary(DeliveryFailure(status: "4.2.2", text: "Mailbox full"))),
        AgentOutcome(request: 3, outcome: .permanent(DeliveryFailure(status: "5.3.0", text: "No"))),
        AgentOutcome(request: 4, outcome: .loop),
    ]),
]

private func subjects() throws -> [WireSubject] { [WireSubject(try requests()), WireSubject(answers)] }

private func decodes<Message: WireMessage>(_ bytes: ArraySlice<UInt8>, as: Message.Type) -> Bool {
    (try? Message(decoding: bytes)) != nil
}

@Suite("Messages between dispatcher and delivery agent") struct AgentMessagesTests {
    @Test func `what is sent arrives`() throws {
        for subject in try subjects() { #expect(subject.roundTripFaults() == []) }
    }

    @Test func `neither a cut nor a longer message is taken`() throws {
        for subject in try subjects() { #expect(subject.lengthFaults() == []) }
    }

    @Test func `a changed byte is refused or means something else`() throws {
        for subject in try subjects() { #expect(subject.changeFaults() + subject.countFaults() == []) }
    }

    @Test func `random bytes are refused or mean what they say`() throws {
        for subject in try subjects() { #expect(subject.randomFaults(seed: 42, rounds: 5_000) == []) }
    }

    @Test func `an inline body ends at its limit`() throws {
        let limit = AgentFrame.maximumInlineBody
        for (count, isTaken) in [(limit, true), (limit + 1, false)] {
            let message = DispatcherToAgent.deliver(
                try request(.mbox(path: "/m"), .inline([UInt8](repeating: 0x61, count: count))))
            #expect(decodes(message.encoded[...], as: DispatcherToAgent.self) == isTaken)
        }
    }

    @Test(arguments: [
        DeliveryMethod.maildir(path: "Maildir", subaddress: nil, filesJunk: false), .mbox(path: ""),
        .file(path: "/x\u{0}y"), .command(AgentCommand(line: "a\u{0}", user: "", home: "", subaddress: nil, everyFailureIsTemporary: false)),
        .maildir(path: "/m", subaddress: "a\u{0}", filesJunk: false),
    ])
    func `a relative path or a NUL is refused`(_ method: DeliveryMethod) throws {
        let message = DispatcherToAgent.deliver(try request(method, .inline([])))
        #expect(!decodes(message.encoded[...], as: DispatcherToAgent.self))
    }

    @Test func `an extent beyond the largest file is refused`() throws {
        for (offset, size, isTaken) in [
            (UInt64(1), UInt64(Int64.max) - 1, true), (1, UInt64(Int64.max), false), (.max, .max, false),
        ] {
            let message = DispatcherToAgent.deliver(
                try request(.mbox(path: "/m"), .descriptor(offset: offset, size: size)))
            #expect(decodes(message.encoded[...], as: DispatcherToAgent.self) == isTaken)
        }
    }

    @Test(arguments: [
        DeliveryOutcome.delivered("a\nb"), .delivered("a\u{7F}"),
        .temporary(DeliveryFailure(status: "5.1.1", text: "")), .permanent(DeliveryFailure(status: "4.1.1", text: "")),
        .temporary(DeliveryFailure(status: "4.1", text: "")), .temporary(DeliveryFailure(status: "4.1.1 x", text: "")),
        .temporary(DeliveryFailure(status: "4.2.1000", text: "")),
        .permanent(DeliveryFailure(status: "5.3.0", text: "\r")),
        .delivered(String(repeating: "x", count: AgentOutcome.maximumTextLength + 1)),
        .delivered("e" + String(repeating: "\u{301}", count: AgentOutcome.maximumTextLength)),
    ])
    func `a report that could forge a line or a status is refused, and not made here`(_ outcome: DeliveryOutcome) throws {
        let fit = AgentToDispatcher.outcomes([AgentOutcome(request: 1, outcome: outcome)])
        #expect(try AgentToDispatcher(decoding: fit.encoded[...]) == fit)
        var forged = AgentOutcome(request: 1, outcome: .loop)
        forged.outcome = outcome
        #expect(!decodes(AgentToDispatcher.outcomes([forged]).encoded[...], as: AgentToDispatcher.self))
    }
}
