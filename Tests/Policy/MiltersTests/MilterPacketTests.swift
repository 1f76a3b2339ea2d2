import MailSyntax
@testable import Milters
import SeededTesting
import Testing

@Suite("Packets of the milter protocol") struct MilterPacketTests {
    private func bytes(of command: MilterCommand) -> [UInt8] {
        var bytes: [UInt8] = []
        command.encode(onto: &bytes)
        return bytes
    }

    @Test func `The offer holds version, actions and steps`() {
        #expect(bytes(of: .offer(.offered)) == packet("O", [0, 0, 0, 6, 0, 0, 1, 0xFF, 0, 0x1F, 0xF7, 0xFF]))
    }

    @Test func `A connection is told with family, port and address`() throws {
        let v4 = try #require(IPAddress(literal: Array("192.0.2.7".utf8)))
        let v6 = try #require(IPAddress(literal: Array("2001:db8::7".utf8)))
        let host = Array("client.example".utf8)
        #expect(
            bytes(of: .connect(host: host, .network(v4, port: 0x1234)))
                == packet("C", texts("client.example") + [0x34, 0x12, 0x34] + texts("192.0.2.7")))
        #expect(
            bytes(of: .connect(host: host, .network(v6, port: 25)))
                == packet("C", texts("client.example") + [0x36, 0, 25] + texts("2001:db8::7")))
        #expect(bytes(of: .connect(host: host, .unknown)) == packet("C", texts("client.example") + [0x55]))
    }

    @Test func `Macros go before their command, for its letter`() {
        let macros = [MilterMacro(name: "i", value: Array("abc".utf8)), MilterMacro(name: "{mail_addr}", value: [])]
        #expect(bytes(of: .macros(for: .mail, macros)) == packet("D", [0x4D] + texts("i", "abc", "{mail_addr}", "")))
    }

    @Test func `Sender and recipient come with their parameters`() {
        let path = Array("<a@b.example>".utf8)
        let size = Array("SIZE=1".utf8)
        #expect(bytes(of: .mail(path, arguments: [size])) == packet("M", texts("<a@b.example>", "SIZE=1")))
        #expect(bytes(of: .recipient(path, arguments: [])) == packet("R", texts("<a@b.example>")))
    }

    @Test func `A NUL in a text does not shift what follows`() {
        #expect(bytes(of: .header(name: [0x41, 0, 0x42], value: [0])) == packet("L", texts("A?B", "?")))
    }

    @Test func `Commands without content are a letter`() {
        #expect(bytes(of: .data) == packet("T"))
        #expect(bytes(of: .endOfHeader) == packet("N"))
        #expect(bytes(of: .body([1, 2])) == packet("B", [1, 2]))
        #expect(bytes(of: .endOfMessage) == packet("E"))
        #expect(bytes(of: .abort) == packet("A"))
        #expect(bytes(of: .quit) == packet("Q"))
        #expect(bytes(of: .quitAndContinue) == packet("K"))
        #expect(bytes(of: .unknown(Array("XYZ".utf8))) == packet("U", texts("XYZ")))
    }

    // MARK: Answers

    @Test func `Packets are cut the same however they arrive`() throws {
        let input = packet("c") + packet("q", texts("because")) + packet("b", Array(repeating: 0x78, count: 70_000))
        for step in [1, 3, 4, 5, 17, 65_536] {
            var reader = MilterPacketReader()
            var letters: [UInt8] = []
            for start in stride(from: 0, to: input.count, by: step) {
                reader.receive(Array(input[start..<min(start + step, input.count)]))
                while let packet = try reader.next() { letters.append(packet.letter) }
            }
            #expect(letters == Array("cqb".utf8))
            #expect(reader.isEmpty)
        }
    }

    @Test func `A packet of nothing and one beyond the bound are faults`() throws {
        var reader = MilterPacketReader()
        reader.receive([0, 0, 0, 0])
        #expect(throws: MilterFault.packetLength(0)) { try reader.next() }
        reader = MilterPacketReader()
        reader.receive(number(MilterPacketReader.maximumLength))
        #expect(try reader.next() == nil)
        reader = MilterPacketReader()
        reader.receive(number(MilterPacketReader.maximumLength + 1))
        #expect(throws: MilterFault.packetLength(MilterPacketReader.maximumLength + 1)) { try reader.next() }
    }

    private func answer(_ bytes: [UInt8]) throws -> MilterAnswer? {
        var reader = MilterPacketReader()
        reader.receive(bytes)
        return try reader.next().map { packet throws in try MilterAnswer(packet) }
    }

    @Test func `Changes are read with all their parts`() throws {
        func field(_ name: String, _ value: String) -> MessageChange.Field { .init(name: Array(name.utf8), value: Array(value.utf8)) }
        #expect(try answer(packet("h", texts("X-A", "1"))) == .change(.addHeader(field("X-A", "1"))))
        #expect(try answer(packet("i", number(2) + texts("X-A", "1"))) == .change(.insertHeader(at: 2, field("X-A", "1"))))
        #expect(
            try answer(packet("m", number(3) + texts("X-A", ""))) == .change(.changeHeader(occurrence: 3, field("X-A", ""))))
        #expect(try answer(packet("+", texts("<a@b>"))) == .change(.addRecipient(Array("<a@b>".utf8), arguments: [])))
        #expect(
            try answer(packet("2", texts("<a@b>", "NOTIFY=NEVER ORCPT=x")))
                == .change(
                    .addRecipient(Array("<a@b>".utf8), arguments: [Array("NOTIFY=NEVER".utf8), Array("ORCPT=x".utf8)])))
        #expect(try answer(packet("-", texts("<a@b>"))) == .change(.removeRecipient(Array("<a@b>".utf8))))
        #expect(try answer(packet("e", texts("<>"))) == .change(.changeSender(Array("<>".utf8), arguments: [])))
        #expect(try answer(packet("q", texts("virus"))) == .change(.quarantine("virus")))
    }

    @Test func `Replies are read in one line and in several`() throws {
        #expect(try answer(packet("y", texts("550 5.7.1 No 100%% spam"))) == .reply(.init(550, "5.7.1", "No 100% spam")))
        #expect(try answer(packet("y", texts("451 Later"))) == .reply(.init(451, nil, "Later")))
        #expect(
            try answer(packet("y", texts("554-5.7.0 One\r\n554 5.7.0 Two")))
                == .reply(.init(554, "5.7.0", lines: ["One", "Two"])))
        // A status of another class is text.
        #expect(try answer(packet("y", texts("550 4.7.1 Odd"))) == .reply(.init(550, nil, "4.7.1 Odd")))
    }

    @Test(arguments: ["250 Fine", "", "55", "550", "5507", "abc def", "550 a\r\n450 b", "+50 x"])
    func `A reply that is no refusal is a fault`(_ text: String) throws {
        guard text != "550" else {
            // The code alone is one.
            #expect(try answer(packet("y", texts(text))) == .reply(.init(550, nil, "")))
            return
        }
        #expect(throws: MilterFault.replyText) { try answer(packet("y", texts(text))) }
    }

    @Test func `What is malformed is a fault of its letter`() {
        for bytes in [
            packet("h", texts("X-A")), packet("h", texts("X A", "1")), packet("h", texts("", "1")), packet("h", Array("X".utf8)),
            packet("h", texts("X-A", "1", "2")),
        ] {
            #expect(throws: MilterFault.malformed(UInt8(ascii: "h"))) { try answer(bytes) }
        }
        #expect(throws: MilterFault.malformed(UInt8(ascii: "i"))) { try answer(packet("i", [0, 0, 1])) }
        #expect(throws: MilterFault.malformed(UInt8(ascii: "c"))) { try answer(packet("c", [0])) }
        #expect(throws: MilterFault.malformed(UInt8(ascii: "O"))) { try answer(packet("O", number(6))) }
        #expect(throws: MilterFault.unknownAnswer(UInt8(ascii: "Z"))) { try answer(packet("Z")) }
    }

    @Test func `Mutated answers never trap, and end a session at most`() throws {
        let seeds = [
            options() + packet("c"), packet("h", texts("X-A", "a\r\nb")), packet("i", number(.max) + texts("X-A", "1")),
            packet("m", number(.max) + texts("X-A", "")), packet("y", texts("554-5.7.0 One\r\n554 5.7.0 Two")),
            packet("O", number(6) + number(0x1FF) + number(0) + number(3) + texts("i {x}")), packet("2", texts("<a@b>", "A B")),
            packet("b", Array("text\r\n".utf8)) + packet("p") + packet("a"),
        ]
        var random = SplitMix64(seed: 7)
        for turn in 0..<8_000 {
            var bytes = seeds[turn % seeds.count] + seeds[random.next(below: seeds.count)]
            for _ in 0...random.next(below: 4) { bytes[random.next(below: bytes.count)] = UInt8(random.next(below: 256)) }
            var session = MilterSession(maximumBody: 100)
            if turn % 2 == 0 {
                session = try .met()
                try session.reachEndOfMessage()
            } else {
                _ = session.offer()
            }
            session.receive(bytes)
            var header = EditableHeader(Array("Subject: x\n\n".utf8))
            do {
                while let news = try session.next() {
                    if case .change(let change) = news { header.apply(change) }
                }
            } catch {}
            #expect(header.bytes.last == 0x0A)
        }
    }
}
