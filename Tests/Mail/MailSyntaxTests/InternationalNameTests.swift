import SeededTesting
import Testing

@testable import MailSyntax

private func ascii(_ text: String) throws -> String {
    try Domain(validating: Array(text.utf8)).inASCII().text
}

private func problem(_ text: String) throws -> DomainConversionError? {
    let domain = try Domain(validating: Array(text.utf8))
    do throws(DomainConversionError) {
        _ = try domain.inASCII()
        return nil
    } catch {
        return error
    }
}

@Suite("Punycode (RFC 3492 section 7.1)") struct PunycodeTests {
    @Test(arguments: [
        ("ليهمابتكلموشعربي؟", "egbpdaj6bu4bxfgehfvwxn"),
        ("他们为什么不说中文", "ihqwcrb4cv8a8dqg056pqjye"),
        ("他們爲什麽不說中文", "ihqwctvzc91f659drss3x8bo0yb"),
        ("Pročprostěnemluvíčesky", "Proprostnemluvesky-uyb24dma41a"),
        ("למההםפשוטלאמדבריםעברית", "4dbcagdahymbxekheh6e0a7fei0b"),
        ("почемужеонинеговорятпорусски", "b1abfaaepdrnnbgefbadotcwatmq2g4l"),
        ("TạisaohọkhôngthểchỉnóitiếngViệt", "TisaohkhngthchnitingVit-kjcr8268qyxafd2f1b9g"),
        ("3年B組金八先生", "3B-ww4c5e180e575a65lsy2b"),
        ("Hello-Another-Way-それぞれの場所", "Hello-Another-Way--fc4qua05auwb3674vfr0b"),
        ("MajiでKoiする5秒前", "MajiKoi5-783gue6qz075azm5e"),
        ("そのスピードで", "d9juau41awczczp"),
        ("-> $1.00 <-", "-> $1.00 <--"),
        ("bücher", "bcher-kva"), ("", ""), ("a", "a-"),
    ]) func `text becomes`(_ text: String, _ encoded: String) {
        #expect(Punycode.encode(Array(text.unicodeScalars)).map { String(decoding: $0, as: UTF8.self) } == encoded)
    }

    @Test func `the largest code points and the longest text stay within their numbers`() {
        let worst = [Unicode.Scalar](repeating: "\u{10FFFF}", count: Punycode.maximumLength - 1)
        #expect(Punycode.encode(worst + ["\u{80}"]) != nil)
        #expect(Punycode.encode(worst + ["\u{80}", "\u{81}"]) == nil)
    }
}

@Suite("Domains outside ASCII (RFC 5890 to 5892)") struct InternationalNameTests {
    @Test(arguments: [
        ("bücher.example", "xn--bcher-kva.example"), ("BÜCHER.Example", "xn--bcher-kva.Example"),
        // Composed from letter and mark.
        ("bu\u{308}cher.example", "xn--bcher-kva.example"),
        ("faß.de", "xn--fa-hia.de"), ("παράδειγμα.δοκιμή", "xn--hxajbheg2az3al.xn--jxalpdlp"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"), ("l·l.example", "xn--ll-0ea.example"),
    ]) func `each label has its A-label`(_ text: String, _ expected: String) throws {
        #expect(try ascii(text) == expected)
    }

    @Test(arguments: ["example.org", "xn--bcher-kva.example", "r3---sn-x.example", "[192.0.2.1]", "A_b.example"])
    func `what is in ASCII stays as it is`(_ text: String) throws {
        #expect(try ascii(text) == text)
    }

    @Test(arguments: [
        ("a\u{200B}ü.example", DomainConversionError.forbiddenCharacter("\u{200B}")), ("ü\u{200D}.example", .forbiddenCharacter("\u{200D}")),
        ("\u{FEFF}ü.example", .forbiddenCharacter("\u{FEFF}")), ("☃.example", .forbiddenCharacter("☃")),
        ("ü\u{85}.example", .forbiddenCharacter("\u{85}")), ("ü。example", .forbiddenCharacter("。")),
        ("ü\u{2028}x.example", .forbiddenCharacter("\u{2028}")), ("ü\u{E000}.example", .forbiddenCharacter("\u{E000}")),
        ("a·ü.example", .forbiddenCharacter("·")), ("\u{301}ü.example", .malformedLabel), ("ab--ü.example", .malformedLabel),
        ("xn--ü.example", .malformedLabel), ("ü\u{202E}.example", .forbiddenCharacter("\u{202E}")), ("５ü.example", .forbiddenCharacter("５")),
        ("ª.example", .forbiddenCharacter("ª")),
    ]) func `what is no host name is refused`(_ text: String, _ expected: DomainConversionError) throws {
        #expect(try problem(text) == expected)
    }

    @Test(arguments: ["क्\u{200D}ष", "カ・カ", "א\u{5F3}", "\u{375}α"])
    func `characters that need company are taken in it`(_ label: String) throws {
        #expect(try ascii(label + ".example").hasPrefix("xn--"))
    }

    @Test func `octets that are no text are refused`() throws {
        #expect(throws: DomainConversionError.notText) { try Domain(validating: [0x61, 0xFF]).inASCII() }
        #expect(throws: DomainConversionError.notText) { try Domain(validating: [0xC3]).inASCII() }
    }

    @Test func `a label has 63 octets in ASCII at most`() throws {
        var fits = 0
        for count in 1...31 {
            let label = String(repeating: "ü", count: count)
            switch try problem(label + ".example") {
            case nil: fits += 1
            case .labelTooLong: break
            case let other: Issue.record("\(String(describing: other))")
            }
        }
        #expect(fits == 31)
        // 21 characters of three octets each are 63 in UTF-8, and more in ASCII when they lie far apart.
        let wide = (0..<21).map { String(Unicode.Scalar(0x4E00 + UInt32($0) * 977)!) }.joined()
        #expect(try problem(wide + ".example") == .labelTooLong)
    }

    @Test func `thousands of damaged names neither trap nor become others than host names`() throws {
        var generator = SplitMix64(seed: 0x69_64_6E)
        let whole = Array("bücher.παράδειγμα.例え.xn--p.मान\u{94D}\u{200D}य".utf8)
        var converted = 0
        for _ in 0..<20_000 {
            var damaged = whole
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: 0..<damaged.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: damaged[index] = UInt8.random(in: 0...255, using: &generator)
                case 1: damaged.remove(at: index)
                default: damaged.insert(UInt8.random(in: 0x80...255, using: &generator), at: index)
                }
            }
            guard let domain = try? Domain(validating: damaged), let result = try? domain.inASCII() else { continue }
            converted += 1
            #expect(result.isASCII && result.bytes.count <= 253)
        }
        #expect(converted > 100)
    }
}
