import Testing

@testable import MailSyntax

@Suite("Xtext (RFC 3461 section 4)") struct XtextTests {
    @Test(arguments: [("", ""), ("abc", "abc"), ("a+b=c d", "a+2Bb+3Dc+20d"), ("\r\n\u{e9}", "+0D+0A+C3+A9")])
    func `is written and read`(_ plain: String, _ encoded: String) {
        #expect(text(Xtext.encoded(octets(plain))) == encoded)
        #expect(Xtext.decoded(octets(encoded)) == octets(plain))
    }

    @Test(arguments: ["a b", "a=b", "+", "+4", "+4G", "+G4", "\u{e9}", "a\u{7f}"])
    func `is refused`(_ encoded: String) { #expect(Xtext.decoded(octets(encoded)) == nil) }
}

@Suite("Base64 (RFC 4648)") struct Base64Tests {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func `is written and read (section 10)`(_ plain: String, _ encoded: String) {
        #expect(text(Base64.encoded(octets(plain))) == encoded)
        #expect(Base64.decoded(octets(encoded)) == octets(plain))
    }

    @Test(arguments: ["Z", "Zg", "Zg=", "Zh==", "Zm9=", "====", "Z===", "Zg==Zg==", "Zm9v\n", "Zm-_", "=Zg="])
    func `is refused`(_ encoded: String) { #expect(Base64.decoded(octets(encoded)) == nil) }

    @Test func `Whatever is written is read back, and whatever is read is the only writing`() {
        var generator = SeededGenerator(seed: 4648)
        for _ in 0..<2_000 {
            let plain = (0..<Int.random(in: 0...40, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            #expect(Base64.decoded(Base64.encoded(plain)) == plain)
            let changed = mutated(Base64.encoded(plain), from: octets("=A+/\0"), using: &generator)
            if let read = Base64.decoded(changed) { #expect(Base64.encoded(read) == changed) }
        }
    }
}

@Suite("Dates (RFC 5322 section 3.3)") struct MailDateTests {
    @Test(arguments: [
        (0, 0, "UTC", "Thu, 1 Jan 1970 00:00:00 +0000 (UTC)"),
        (1_704_067_200, 0, "UTC", "Mon, 1 Jan 2024 00:00:00 +0000 (UTC)"),
        (1_709_164_799, 0, "UTC", "Wed, 28 Feb 2024 23:59:59 +0000 (UTC)"),
        (1_709_251_199, 3_600, "CET", "Fri, 1 Mar 2024 00:59:59 +0100 (CET)"),
        (951_782_400, 0, "", "Tue, 29 Feb 2000 00:00:00 +0000"),
        (-1, -12_600, "NST", "Wed, 31 Dec 1969 20:29:59 -0330 (NST)"),
        (4_107_542_399, 19_800, "IST", "Mon, 1 Mar 2100 05:29:59 +0530 (IST)"),
        (1_704_067_200, 0, "a)\r\nX: y", "Mon, 1 Jan 2024 00:00:00 +0000"),
        (.max, .max, "UTC", "Fri, 31 Dec 9999 13:59:59 +1400 (UTC)"),
        (.min, .min, "UTC", "Mon, 1 Jan 1900 10:00:00 -1400 (UTC)"),
    ] as [(Int64, Int, String, String)])
    func `is written`(_ seconds: Int64, _ offset: Int, _ zone: String, _ expected: String) {
        #expect(MailDate(seconds: seconds, offset: offset, zoneName: zone).text == expected)
    }
}
