import Testing

@testable import MailSyntax

@Suite("Paths of MAIL and RCPT (RFC 5321 section 4.1.2)") struct MailPathTests {
    @Test(arguments: [
        ("<ada@example.org>", "ada@example.org", ""),
        ("<ada@example.org> SIZE=1", "ada@example.org", " SIZE=1"),
        ("<a.b!#$%&'*+-/=?^_`{|}~@x>", "a.b!#$%&'*+-/=?^_`{|}~@x", ""),
        ("<\"a b\"@x.example>", "\"a b\"@x.example", ""),
        ("<\"a\\\"\\\\>@\"@x.example>", "\"a\\\"\\\\>@\"@x.example", ""),
        ("<\"plain\"@x.example>", "plain@x.example", ""),
        ("<a@[192.0.2.1]>", "a@[192.0.2.1]", ""),
        ("<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]", ""),
        ("<@r.example:a@x.example>", "a@x.example", ""),
        ("<@r.example,@[IPv6:::1]:a@x.example>", "a@x.example", ""),
        ("<postmaster>", "postmaster@here.example", ""),
        ("<Postmaster> NOTIFY=NEVER", "Postmaster@here.example", " NOTIFY=NEVER"),
        ("<\u{f6}@p\u{e9}.example>", "\u{f6}@p\u{e9}.example", ""),
    ])
    func `is read`(_ path: String, _ address: String, _ rest: String) throws {
        let here = try domain("here.example")
        let read = try MailPath.forwardPath(octets(path)[...], completedBy: here)
        #expect(read.address.text == address)
        #expect(text(read.rest) == rest)
        #expect(try MailPath.reversePath(octets(path)[...], completedBy: here).path == .mailbox(read.address))
    }

    @Test(arguments: [
        ("", AddressSyntaxError.malformedPath), ("a@b", .malformedPath), ("<", .emptyLocalPart), ("<>", .emptyLocalPart),
        ("<a", .malformedPath), ("<a@b", .malformedPath), ("<@b>", .malformedPath), ("<a@>", .emptyDomain),
        ("<\"\"@b>", .emptyLocalPart), ("<\"a@b>", .unterminatedQuote), ("<\"a\\", .unterminatedQuote),
        ("<a..b@c>", .forbiddenOctet(0x2E, at: 2)), ("<.a@c>", .forbiddenOctet(0x2E, at: 0)), ("<a.@c>", .forbiddenOctet(0x2E, at: 1)),
        ("<a b@c>", .forbiddenOctet(0x20, at: 1)), ("<a,b@c>", .forbiddenOctet(0x2C, at: 1)), ("<a@b c>", .malformedDomain),
        ("<a@b@c>", .malformedDomain), ("<a@-b>", .malformedDomain), ("<a@b.>", .malformedDomain), ("<a@[1.2.3]>", .malformedDomain),
        ("<a@b;c>", .malformedDomain), ("<\"a\tb\"@c>", .forbiddenOctet(9, at: 1)), ("<\"a\"b@c>", .malformedPath),
        ("<@r:>", .emptyLocalPart), ("<@r,a@b>", .malformedPath), ("<@:a@b>", .emptyDomain), ("<@r;s:a@b>", .malformedDomain),
        ("<;touch x;@>", .forbiddenOctet(0x3B, at: 0)), ("<;touch x;>", .forbiddenOctet(0x3B, at: 0)),
    ])
    func `is refused`(_ path: String, _ reason: AddressSyntaxError) throws {
        let here = try domain("here.example")
        #expect(throws: reason) { try MailPath.forwardPath(octets(path)[...], completedBy: here) }
    }

    @Test func `Only a reverse path may be empty`() throws {
        let read = try MailPath.reversePath(octets("<> RET=HDRS")[...], completedBy: nil)
        #expect(read.path == .null)
        #expect(text(read.rest) == " RET=HDRS")
    }

    @Test func `Without a domain to complete with, none may be missing`() {
        #expect(throws: AddressSyntaxError.emptyDomain) { try MailPath.forwardPath(octets("<postmaster>")[...], completedBy: nil) }
    }

    @Test func `A local part and a domain of 255 octets are taken, of 256 not`() throws {
        func read(_ local: Int, _ labels: Int, _ last: Int) throws {
            let name = String(repeating: String(repeating: "d", count: 62) + ".", count: labels) + String(repeating: "e", count: last)
            _ = try MailPath.forwardPath(octets("<\(String(repeating: "l", count: local))@\(name)>")[...], completedBy: nil)
        }
        #expect(throws: Never.self) { try read(255, 4, 3) }
        #expect(throws: AddressSyntaxError.localPartTooLong) { try read(256, 4, 3) }
        #expect(throws: AddressSyntaxError.domainTooLong) { try read(255, 4, 4) }
    }

    @Test(arguments: [("ada@x.example", "ada@x.example"), ("ada", "ada@here.example"), ("\"a b\"@x", "\"a b\"@x"), ("a@[::1]", "a@[::1]")])
    func `Plain text is read`(_ plain: String, _ address: String) throws {
        #expect(try MailAddress(parsing: octets(plain), completedBy: try domain("here.example")).text == address)
    }

    @Test(arguments: ["", "@x", "a@", "a@b@c", "<a@b>", "a b@c", "a@b ", "a@b\n", "\"a@b"])
    func `Plain text is refused`(_ plain: String) throws {
        let here = try domain("here.example")
        #expect(throws: AddressSyntaxError.self) { try MailAddress(parsing: octets(plain), completedBy: here) }
    }

    @Test func `What is read from mutated paths is written so that it reads the same`() throws {
        let seeds = ["<\"a\\\"b\"@x.example> S", "<@r,@[IPv6:::1]:a.b@[192.0.2.1]>", "<postmaster>"].map(octets)
        let alphabet = octets("<>@:,.\"\\[] a;\u{0}\r\n") + [0xFF]
        let here = try domain("here.example")
        var generator = SeededGenerator(seed: 5321)
        var read = 0
        for round in 0..<6_000 {
            let path = mutated(seeds[round % 3], from: alphabet, using: &generator)
            guard let address = try? MailPath.forwardPath(path[...], completedBy: here).address else { continue }
            read += 1
            #expect(try MailAddress(parsing: address.bytes) == address)
            #expect(try MailPath.forwardPath(octets("<") + address.bytes + octets(">"), completedBy: nil).address == address)
        }
        #expect(read > 500)
    }
}

extension MailPath {
    fileprivate static func forwardPath(
        _ bytes: [UInt8], completedBy domain: Domain?
    ) throws(AddressSyntaxError) -> (address: MailAddress, rest: ArraySlice<UInt8>) {
        try forwardPath(bytes[...], completedBy: domain)
    }
}
