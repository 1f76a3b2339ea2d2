import MailSyntax
import Testing

@testable import SMTPProtocol

/// Surveys and converts a message in pieces of a size; nil when it is fixed, the message itself when it is ASCII.
private func converted(_ message: [UInt8], pieces size: Int = .max) -> [UInt8]? {
    func pieces(_ body: ([UInt8]) -> Void) {
        var start = 0
        while start < message.count {
            let end = size > message.count - start ? message.count : start + size
            body(Array(message[start..<end]))
            start = end
        }
    }
    var survey = ContentSurvey()
    pieces { survey.take($0) }
    switch survey.finish() {
    case .sevenBit: return message
    case .fixed: return nil
    case .convertible(let plan):
        var converter = ContentConverter(plan)
        var output: [UInt8] = []
        pieces { output += converter.take($0) }
        return output + converter.finish()
    }
}

private func converted(_ message: String) -> String? { converted(octets(message)).map { text($0) } }

@Suite("Making eight bits seven (RFC 6152 section 3, RFC 2045)") struct ConversionTests {
    @Test func `text becomes quoted-printable, in header and body`() {
        #expect(
            converted("MIME-Version: 1.0\nContent-Type: text/plain;\n charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nGr\u{fc}n = a \n.\n")
                == "MIME-Version: 1.0\nContent-Type: text/plain;\n charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nGr=C3=BCn =3D a=20\n=2E\n")
    }

    @Test func `other parts become base64, with the line ends of the wire`() {
        let part = "Content-Type: application/x-y\n\n\u{fc}\nb\n"
        #expect(
            converted("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"a b\"\nContent-Transfer-Encoding: 8bit\n\nhi\n--a b\n\(part)--a b \n\nplain\n--a b--\n\u{fc}\n")
                == "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"a b\"\nContent-Transfer-Encoding: 7bit\n\nhi\n--a b\nContent-Type: application/x-y\nContent-Transfer-Encoding: base64\n\nw7wNCmI=\n--a b \n\nplain\n--a b--\n??\n")
    }

    @Test func `a message that is none of MIME becomes one`() {
        #expect(
            converted("Subject: x\n\n\u{fc}\n")
                == "Subject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset=unknown-8bit\nContent-Transfer-Encoding: quoted-printable\n\n=C3=BC\n")
        #expect(converted("no header\n\u{fc}") == "MIME-Version: 1.0\nContent-Type: text/plain; charset=unknown-8bit\nContent-Transfer-Encoding: quoted-printable\n\nno header\n=C3=BC")
    }

    @Test func `messages within messages are followed, and a digest's parts are messages`() {
        #expect(
            converted("MIME-Version: 1.0\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 8bit\n\nSubject: y\n\n\u{fc}\n")
                == "MIME-Version: 1.0\nContent-Type: message/rfc822\nContent-Transfer-Encoding: 7bit\n\nSubject: y\nMIME-Version: 1.0\nContent-Type: text/plain; charset=unknown-8bit\nContent-Transfer-Encoding: quoted-printable\n\n=C3=BC\n")
        let digest = converted("MIME-Version: 1.0\nContent-Type: multipart/digest; boundary=q\n\n--q\n\nSubject: z\n\n\u{fc}\n--q--\n")
        #expect(digest?.contains("\n--q\n\nSubject: z\nMIME-Version: 1.0\n") == true)
        #expect(digest?.hasSuffix("\n\n=C3=BC\n--q--\n") == true)
    }

    @Test func `an inner boundary that is missing ends with the outer one`() {
        let text = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\n\u{fc}\n--o\n\nz\u{fc}\n--o--\n"
        #expect(converted(text)?.hasSuffix("\n--i\nContent-Transfer-Encoding: quoted-printable\n\n=C3=BC\n--o\nContent-Transfer-Encoding: quoted-printable\n\nz=C3=BC\n--o--\n") == true)
    }

    @Test(arguments: [
        "Content-Type: multipart/signed; boundary=b\n\n--b\n\n\u{fc}\n--b--\n",
        "Content-Type: message/delivery-status\n\n\u{fc}\n",
        "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n\u{fc}\n",
        "Content-Type: text/plain\nContent-Transfer-Encoding: x-uuencode\n\n\u{fc}\n",
        "Content-Type: multipart/mixed\n\n--b\n\n\u{fc}\n--b--\n",
    ])
    func `what must not be changed cannot be converted`(_ message: String) { #expect(converted("MIME-Version: 1.0\n" + message) == nil) }

    @Test(arguments: ["Subject: x\n\nabc\n", "", "\n", "Subject: \u{fc}\n\nabc\n", "x"])
    func `ASCII bodies are left alone`(_ message: String) { #expect(converted(message) == message) }

    @Test func `no line of quoted-printable is longer than 76 octets`() {
        for length in 70...160 {
            let line = String(repeating: "x", count: length) + "\u{fc}"
            let lines = converted("Subject: x\n\n\(line)\n")?.split(separator: "\n") ?? []
            #expect(lines.allSatisfy { $0.utf8.count <= 76 })
        }
    }

    /// What a reader makes of it.
    private static func decoded(quotedPrintable body: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        var index = 0
        while index < body.count {
            if body[index] == UInt8(ascii: "="), index + 1 < body.count, body[index + 1] == 0x0A {
                index += 2
            } else if body[index] == UInt8(ascii: "="), index + 2 < body.count,
                let value = UInt8(text(body[(index + 1)...(index + 2)]), radix: 16)
            {
                result.append(value)
                index += 3
            } else {
                result.append(body[index])
                index += 1
            }
        }
        return result
    }

    @Test func `any text comes back as it was`() throws {
        var generator = SeededGenerator(seed: 21)
        for _ in 0..<300 {
            var body = (0..<Int.random(in: 1...400, using: &generator)).map { _ -> UInt8 in
                Bool.random(using: &generator) ? octets("\n .=F\t-").randomElement(using: &generator)! : .random(in: 0x20...0xFF, using: &generator)
            }
            body += [0xC3, 0x0A]
            let message = octets("Subject: x\n\n") + body
            let result = try #require(converted(message))
            let start = try #require(result.indices.first { result[$0...].starts(with: octets("\n\n")) })
            #expect(Self.decoded(quotedPrintable: Array(result[(start + 2)...])) == body)
        }
    }

    @Test func `mutated messages, cut anywhere, come out the same and in ASCII bodies`() {
        let seed = octets(
            "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=o\n\npre\n--o\nContent-Type: multipart/alternative; boundary=\"i\"\n\n--i\nContent-Type: text/html\n\n\u{fc}\n--i--\n--o\nContent-Type: message/rfc822\n\nSubject: x\n\n\u{fc}\n--o\nContent-Transfer-Encoding: base64\n\nAAAA\n--o--\nepi\n")
        var generator = SeededGenerator(seed: 22)
        for _ in 0..<2_000 {
            var message = seed
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let at = Int.random(in: 0..<message.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: message[at] = octets("\n-o:;=\"( \0\r\u{fc}").randomElement(using: &generator)!
                case 1: message.remove(at: at)
                default: message.insert(contentsOf: message[at...].prefix(20), at: at)
                }
            }
            let whole = converted(message)
            #expect(whole == converted(message, pieces: Int.random(in: 1...17, using: &generator)))
            guard let whole else { continue }
            // A second time there is nothing left to do.
            #expect(converted(whole) == whole)
        }
    }
}

@Suite("Headers of mail that leaves (RFC 5322 section 3.6)") struct OutgoingHeaderTests {
    private static func passed(_ message: String, _ sender: String? = nil, pieces size: Int = .max) throws -> String {
        var header = OutgoingHeader(
            domain: try Domain(validating: octets("here.example")), sender: try sender.map { try MailAddress(parsing: octets($0)) })
        let bytes = octets(message)
        var output: [UInt8] = []
        var start = 0
        while start < bytes.count {
            let end = size > bytes.count - start ? bytes.count : start + size
            output += header.take(Array(bytes[start..<end]))
            start = end
        }
        return text(output + header.finish())
    }

    @Test func `addresses without a domain get this host's`() throws {
        #expect(
            try Self.passed("Received: x\nFrom: root\nSender: a@b.example\nTo: ada,\n Bob <bob>\nX-To: y\n\nFrom: body\n")
                == "Received: x\nFrom: root@here.example\nSender: a@b.example\nTo: ada@here.example,\n Bob <bob@here.example>\nX-To: y\n\nFrom: body\n")
    }

    @Test func `one sender takes the place of all, and names stay`() throws {
        #expect(
            try Self.passed("From: \"Cron, D\" <root>, eve@x.example\nsender: a\nReply-To: b (c)\nResent-From: d <e>\nTo: ada\nSubject: s\n\nFrom: x\n", "me@isp.example")
                == "From: \"Cron, D\" <me@isp.example>\nsender: <me@isp.example>\nReply-To: <me@isp.example>\nResent-From: d <me@isp.example>\nTo: ada@here.example\nSubject: s\n\nFrom: x\n")
    }

    @Test(arguments: ["", "\n", "body without a header\nFrom: x\n", "X: y", "X: y\n more", " From: x\n\n"])
    func `what is no address passes as it is`(_ message: String) throws {
        #expect(try Self.passed(message, "me@isp.example") == message)
    }

    @Test func `a field beyond the limit passes as it is`() throws {
        let field = "From: root,\n" + String(repeating: " a\n", count: OutgoingHeader.maximumField / 3)
        #expect(try Self.passed(field + "To: b\n\n", "me@isp.example") == field + "To: b@here.example\n\n")
        let endless = "X: " + String(repeating: "y", count: OutgoingHeader.maximumField + 10)
        #expect(try Self.passed(endless + "\nFrom: a\n\n", "me@isp.example", pieces: 1_000).hasPrefix(endless))
    }

    @Test func `pieces make no difference`() throws {
        let seed = octets("From: a <b>\nTo: c,\n d\nSubject: \u{fc}\n\nFrom: x\n")
        var generator = SeededGenerator(seed: 23)
        for _ in 0..<1_500 {
            var message = seed
            for _ in 0..<3 { message[Int.random(in: 0..<message.count, using: &generator)] = octets("\n: ,<>@\"a\0").randomElement(using: &generator)! }
            let sender = Bool.random(using: &generator) ? "me@isp.example" : nil
            #expect(try Self.passed(text(message), sender) == Self.passed(text(message), sender, pieces: Int.random(in: 1...9, using: &generator)))
        }
    }
}
