import MailSyntax
import SeededTesting
import Testing

@testable import Submission

@Suite("Replies (RFC 5321 section 4.2)") struct ReplyReaderTests {
    private func replies(_ input: [UInt8], pieces: Int) throws -> [SubmissionReply] {
        var reader = SubmissionReplyReader()
        var found: [SubmissionReply] = []
        var rest = input[...]
        while !rest.isEmpty {
            reader.append(rest.prefix(pieces))
            rest = rest.dropFirst(pieces)
            while let reply = try reader.next() { found.append(reply) }
        }
        return found
    }

    @Test func `one line, many lines, no text, LF alone`() throws {
        let input = bytes("220 hi\r\n250-a\r\n250-B C\r\n250 d\r\n354\r\n421 x\n")
        for size in 1...input.count {
            let found = try replies(input, pieces: size)
            #expect(found.map(\.code) == [220, 250, 354, 421])
            #expect(found[1].lines.map(text) == ["a", "B C", "d"])
        }
    }

    @Test(arguments: ["hello\r\n", "99 x\r\n", "600 x\r\n", "250x\r\n", "\r\n", "25\r\n", "-50 x\r\n"])
    func `anything else is no reply`(_ input: String) {
        #expect(throws: SubmissionReplyError.malformed) { try replies(bytes(input), pieces: 100) }
    }

    @Test func `lines and their number are bounded`() {
        let endless = [UInt8](repeating: 0x78, count: 5000)
        #expect(throws: SubmissionReplyError.tooLong) { try replies(bytes("250 ") + endless, pieces: 100) }
        let many = bytes(String(repeating: "250-x\r\n", count: 129))
        #expect(throws: SubmissionReplyError.tooLong) { try replies(many, pieces: 100) }
    }

    @Test func `control characters of a reply do not reach the terminal`() {
        #expect(
            SubmissionReply(code: 550, lines: [bytes("a\u{1B}[2J\u{9B}b"), bytes("c\u{E9}")]).text
                == "550 a?[2J?b c\u{E9}")
    }

    @Test func `garbage never traps, neither reader nor dialogue`() {
        var random = SplitMix64(seed: 7)
        let addresses = AddressListParser.addresses(in: bytes("a, b"), defaultDomain: here).mailboxes
        let two = SubmissionEnvelope(sender: .null, recipients: addresses)
        let words = [
            "220 ", "250", "-", " ", "354 x", "452 ", "550", "\r\n", "\n", "x", "421 bye\r\n", "250 ok\r\n",
            "354 go\r\n"
        ]
        for _ in 0..<5000 {
            var dialogue = SubmissionDialogue(two, content: .init(isEightBit: true, size: 3, canRepeat: true))
            var reader = SubmissionReplyReader()
            steps: for _ in 0..<60 {
                switch dialogue.next() {
                case .send: break
                case .sendMessage: dialogue.messageSent()
                case .finish: break steps
                case .awaitReply:
                    do {
                        var found = try reader.next()
                        if found == nil {
                            for _ in 0..<(1 + random.below(4)) {
                                reader.append((bytes(words[random.below(words.count)]))[...])
                            }
                            found = try reader.next()
                        }
                        if let found { dialogue.take(found) }
                    } catch {
                        dialogue.connectionLost()
                    }
                }
            }
        }
    }
}
