import SeededTesting
import Testing

@testable import Submission

@Suite("What happens to a message (sendmail(8))") struct MessageTests {
    @Test(arguments: [
        // A header without a body, without an empty line, without a newline; nothing at all.
        ("Subject: a\n", "Subject: a\n\(added)\n"),
        ("Subject: a", "Subject: a\n\(added)\n"),
        ("Subject: a\n\n", "Subject: a\n\(added)\n"),
        ("Subject: a\n\nb", "Subject: a\n\(added)\nb\n"),
        ("", "\(added)\n"),
        ("\n", "\(added)\n"),
        // No header: all is body.
        ("Hello there,\nhow are you\n", "\(added)\nHello there,\nhow are you\n"),
        ("\nHello: x\n", "\(added)\nHello: x\n"),
        (" indented\n", "\(added)\n indented\n"),
        ("Foo bar: x\nmore: y\n", "\(added)\nFoo bar: x\nmore: y\n"),
        (": x\n", "\(added)\n: x\n"),
        // A line that is no field ends the header.
        ("Subject: a\nFoo bar: x\nTo: y\n", "Subject: a\n\(added)\nFoo bar: x\nTo: y\n"),
        ("Subject: a\n.\n", "Subject: a\n\(added)\n.\n"),
        // The separator of an mbox, first line only.
        ("From ada Mon Nov 25 10:00:00 2024\nSubject: a\n\nFrom here on\n", "Subject: a\n\(added)\nFrom here on\n"),
        ("From ada\nFrom bob\n", "\(added)\nFrom bob\n"),
        // Line ends.
        ("Subject: a\r\nX: y\n\r\nb\r\nc\n", "Subject: a\nX: y\n\(added)\nb\nc\n"),
        ("a: b\r\n\r\nx\r\r\ny\r", "a: b\n\(added)\nx\ny\n"),
        ("a: b\n\nx\ry\rz\n", "a: b\n\(added)\nx\ry\rz\n"),
        ("a: b\n\nx\0y\0\nz\n", "a: b\n\(added)\nxy\nz\n"),
        // Everything else stays.
        ("a: b\n\n.\n..\n.x\n\ntrailing \t\n\u{C}\n\n\n", "a: b\n\(added)\n.\n..\n.x\n\ntrailing \t\n\u{C}\n\n\n")
    ])
    func `comes out as documented`(_ input: String, _ expected: String) throws {
        for size in [1, 2, 3, 7, 1 << 20] {
            #expect(text(try filtered(bytes(input), settings(), pieces: size).output) == expected, "pieces of \(size)")
        }
    }

    @Test(arguments: [
        ("a: b\n\nx\n.\ny\n", "a: b\n\(added)\nx\n"), ("a: b\n\nx\n.\r\ny\n", "a: b\n\(added)\nx\n"),
        ("a: b\n\nx\n.", "a: b\n\(added)\nx\n"), ("a: b\n.\ny\n", "a: b\n\(added)\n"), (".\nTo: x\n", "\(added)\n"),
        ("a: b\n\n..\n.x\n . \n", "a: b\n\(added)\n..\n.x\n . \n"), ("a: b\n\n. \n.\t\n", "a: b\n\(added)\n. \n.\t\n"),
        ("a: b\n\n\0.\n.\0\nx", "a: b\n\(added)\n.\n.\nx\n"), ("a: b\n\nx.\n.\r\r\nz", "a: b\n\(added)\nx.\n"),
        ("a: b\n\n\r.\n", "a: b\n\(added)\n\r.\n")
    ])
    func `a line of one dot ends it without -i, and not with`(_ input: String, _ expected: String) throws {
        for size in [1, 2, 5, 1 << 20] {
            #expect(
                text(try filtered(bytes(input), settings(ignoresDots: false), pieces: size).output) == expected,
                "pieces of \(size)")
        }
        let kept = try filtered("a: b\n\nx\n.\ny\n", ignoresDots: true)
        #expect(kept == "a: b\n\(added)\nx\n.\ny\n")
    }

    @Test(arguments: [
        ("Bcc: x\n", ""), ("BCC: x,\n y,\n\tz\n", ""), ("bcc:\n", ""), ("Bcc : x\n", ""), ("Resent-Bcc: x\n z\n", ""),
        ("Return-Path: <x@y>\n", ""), ("return-path:\n <>\n", ""),
        ("X-Bcc: x\n", "X-Bcc: x\n"), ("Bccc: x\n", "Bccc: x\n")
    ])
    func `blind recipients and return paths go away with their continuation lines`(_ field: String, _ left: String)
        throws
    {
        #expect(try filtered("\(complete)\(field)X: y\n\nBcc: text\n") == "\(complete)\(left)X: y\n\nBcc: text\n")
    }

    @Test(arguments: [
        ("From: root (Cron Daemon)", "From: root@host.example (Cron Daemon)"),
        (
            "To: carol, \"Q, z\" <al@x.example>, bob",
            "To: carol@host.example, \"Q, z\" <al@x.example>, bob@host.example"
        ),
        ("Cc: <bob>,\n\tcarol", "Cc: <bob@host.example>,\n\tcarol@host.example"),
        ("Sender: root", "Sender: root@host.example"), ("reply-to:x", "reply-to:x@host.example"),
        ("To: list: a, b;", "To: list: a@host.example, b@host.example;"),
        ("To: undisclosed-recipients:;", "To: undisclosed-recipients:;"),
        ("X-To: bob", "X-To: bob"), ("Errors-To: bob", "Errors-To: bob"), ("Resent-To: bob", "Resent-To: bob"),
        ("Subject: bob", "Subject: bob"), ("To: =?UTF-8?Q?J=C3=BC?= <j>", "To: =?UTF-8?Q?J=C3=BC?= <j@host.example>")
    ])
    func `bare addresses get the mail name and all else stays`(_ field: String, _ expected: String) throws {
        let rest = "X-From: a\nDate: d\nMessage-ID: <m>\n"
        let from = field.hasPrefix("From") ? "" : "From: a@b.example\n"
        #expect(try filtered("\(from)\(field)\n\(rest)\n") == "\(from)\(expected)\n\(rest)\n")
    }

    @Test func `order, folding, blanks, raw UTF-8 and unknown fields stay`() throws {
        let header =
            "Received: from x\n\tby y;  z \nsubject:  caf\u{E9}\n  \n  folded\nX-Empty:\nX:\u{1}y\n\(complete)X: twice\nX: twice\n"
        #expect(try filtered("\(header)\n\u{FEFF}body\n") == "\(header)\n\u{FEFF}body\n")
    }

    @Test func `fields that are there in any letter case are not added, and none is doubled`() throws {
        let header = "FROM: a@b.example\ndate: d\nMESSAGE-id: <m>\nfrom: c@d.example\n"
        #expect(try filtered("\(header)\n") == "\(header)\n")
        for (left, out) in [
            ("From", "Date: d\nMessage-ID: <m>\n"), ("Date", "From: a@b.example\nMessage-ID: <m>\n"),
            ("Message-ID", "From: a@b.example\nDate: d\n")
        ] {
            let result = try filtered("\(out)\nbody\n")
            #expect(result.split(separator: "\n").filter { $0.hasPrefix("\(left):") }.count == 1)
        }
    }

    @Test func `very long lines are kept whole, in header and body`() throws {
        let long = String(repeating: "x", count: 300_000)
        #expect(
            try filtered("\(complete)X: \(long)\n\n\(long)\n\(long)") == "\(complete)X: \(long)\n\n\(long)\n\(long)\n")
        #expect(try filtered(long) == "\(added)\n\(long)\n")
        #expect(text(try filtered(bytes(long), settings(), pieces: 1000).output) == "\(added)\n\(long)\n")
        let separator = "From \(long)\n"
        #expect(text(try filtered(bytes(separator), settings(), pieces: 1000).output) == "\(added)\n\(separator)")
    }

    @Test func `8-bit bytes are kept, and known`() throws {
        let raw: [UInt8] = bytes("\(complete)\n") + Array(0x80...0xFF) + [0x0A]
        let (output, filter) = try filtered(raw, settings(), pieces: 5)
        #expect(output == raw)
        #expect(filter.isEightBit)
        #expect(try !filtered(bytes("a: b\n\nc\n"), settings()).filter.isEightBit)
    }

    @Test func `a header at the limit is taken, and more is refused`() throws {
        let line = "X: \(String(repeating: "y", count: 1020))\n"
        let lines = MessageFilter.longestHeader / line.utf8.count
        let padding = MessageFilter.longestHeader - lines * line.utf8.count
        #expect(padding == 0)
        let header = bytes(String(repeating: line, count: lines))
        #expect(try filtered(header.dropLast(0) + [], settings(), pieces: 65_536).output.count > header.count)
        #expect(throws: MessageError.headerTooLarge) { try filtered(header + bytes("\nb"), settings(), pieces: 65_536) }
    }

    @Test func `what is held does not grow with the message`() throws {
        var filter = MessageFilter(settings())
        var output: [UInt8] = []
        let piece = bytes("A line of text, and nothing but text.\r\n")
        let chunk = Array(repeatElement(piece, count: 1000).joined())
        try filter.take(bytes("\(complete)\n"), count: complete.utf8.count + 1, onto: &output)
        for _ in 0..<200 {
            output.removeAll(keepingCapacity: true)
            try filter.take(chunk, count: chunk.count, onto: &output)
            // Everything that came in has gone out.
            #expect(output.count == chunk.count - 1000)
        }
        // CRs without end are not held either.
        output.removeAll()
        let returns = [UInt8](repeating: 0x0D, count: 100_000)
        try filter.take(returns, count: returns.count, onto: &output)
        #expect(output.count > 99_990)
    }

    @Test func `the pieces in which input arrives make no difference, whatever it is`() throws {
        var random = SplitMix64(seed: 42)
        let words = [
            "To: ", "Bcc: a", "From ", "From: ", "x", "\n", "\n", "\r\n", "\r", ".", ".\n", " ", "\t", ":", ",", "\0",
            "\"", "(", "<", "Date:",
            "\n\n", "é", "Subject: s\n", "Resent-To: r\n"
        ]
        for _ in 0..<4000 {
            var input: [UInt8] = []
            for _ in 0..<random.below(20) { input += bytes(words[random.below(words.count)]) }
            let dots = random.below(2) == 0
            let wanted = settings(ignoresDots: dots, collects: true)
            let whole = try filtered(input, wanted)
            let cut = try filtered(input, wanted, pieces: 1 + random.below(4))
            #expect(whole.output == cut.output, "\(text(input).debugDescription)")
            #expect(whole.filter.headerRecipients == cut.filter.headerRecipients)
            #expect(whole.output.last == 0x0A)
            #expect(!whole.output.contains(0))
        }
    }
}

@Suite("SMTP data and lines (RFC 5321 sections 2.3.8 and 4.5.2)") struct DataEncoderTests {
    @Test func `lines end in CR LF and dots that begin them are doubled`() {
        let input = bytes("a\n.\n..b\n\nc.d\n")
        for size in 1...input.count {
            var encoder = DataEncoder()
            var output: [UInt8] = []
            var rest = input[...]
            while !rest.isEmpty {
                encoder.encode(rest.prefix(size), onto: &output)
                rest = rest.dropFirst(size)
            }
            #expect(text(output) == "a\r\n..\r\n...b\r\n\r\nc.d\r\n")
        }
    }

    @Test func `-bs completes LF and leaves CR LF, across pieces too`() {
        let input = bytes("EHLO x\nNOOP\r\n\n\r\n.\n")
        for size in 1...input.count {
            var completer = LineEndCompleter()
            var output: [UInt8] = []
            var rest = input[...]
            while !rest.isEmpty {
                completer.complete(rest.prefix(size), onto: &output)
                rest = rest.dropFirst(size)
            }
            #expect(text(output) == "EHLO x\r\nNOOP\r\n\r\n\r\n.\r\n")
        }
    }
}
