import Testing

@testable import MailSyntax

@Suite("Header fields (RFC 5322 section 2.2)") struct HeaderFieldTests {
    private static func fields(_ message: String) -> (fields: [String], rest: String) {
        let bytes = octets(message)
        var scanner = HeaderScanner(bytes)
        var fields: [String] = []
        while let field = scanner.next() { fields.append("\(text(field.name))|\(text(bytes[field.value]))|\(text(bytes[field.range]))") }
        return (fields, text(bytes[scanner.position...]))
    }

    @Test func `Names, values and folding are found, with LF and CR LF`() {
        let found = Self.fields("A: b\r\nC :d\n\te\n f\nG:\n\nbody: x\n")
        #expect(found.fields == ["A| b|A: b\r\n", "C|d\n\te\n f|C :d\n\te\n f\n", "G||G:\n"])
        #expect(found.rest == "\nbody: x\n")
    }

    @Test(arguments: [
        ("", [], ""), ("A: b", ["A| b|A: b"], ""), ("A: b\n c", ["A| b\n c|A: b\n c"], ""), ("A:", ["A||A:"], ""),
        ("no field\n", [], "no field\n"), (" A: b\n", [], " A: b\n"), (": b\n", [], ": b\n"),
        ("A: b\nFrom x\n", ["A| b|A: b\n"], "From x\n"), ("A\u{e9}: b\n", [], "A\u{e9}: b\n"), ("A\u{0}: b\n", [], "A\u{0}: b\n"),
    ] as [(String, [String], String)])
    func `The header ends where no field begins`(_ message: String, _ fields: [String], _ rest: String) {
        let found = Self.fields(message)
        #expect(found.fields == fields)
        #expect(found.rest == rest)
    }

    @Test func `Mutated headers are cut without gap or overlap`() {
        let seed = octets("Received: a\r\n by b;\n\tc\nSubject : x\n\nbody\n")
        var generator = SeededGenerator(seed: 822)
        for _ in 0..<4_000 {
            let bytes = mutated(seed, from: octets(": \t\r\nA\u{0}"), using: &generator)
            var scanner = HeaderScanner(bytes)
            var end = 0
            while let field = scanner.next() {
                #expect(field.range.lowerBound == end)
                #expect(field.value.lowerBound > end + field.name.count && field.value.upperBound <= field.range.upperBound)
                end = field.range.upperBound
            }
            #expect(scanner.position == end)
        }
    }
}

@Suite("Finding line ends") struct LineOctetsTests {
    @Test func `The first NUL, LF or CR is found at every place, whatever stands around`() {
        var generator = SeededGenerator(seed: 8)
        let plain: [UInt8] = [0x01, 0x09, 0x0B, 0x0C, 0x0E, 0x20, 0x61, 0x7F, 0x80, 0x8A, 0x8D, 0xFF]
        for length in 0..<80 {
            for place in 0...length {
                var bytes = (0..<length).map { _ in plain.randomElement(using: &generator) ?? 0x61 }
                if place < length { bytes[place] = [0x00, 0x0A, 0x0D].randomElement(using: &generator) ?? 0x0A }
                #expect(firstLineOctet(in: bytes.span, from: 0) == place)
                #expect(firstLineOctet(in: bytes.span, from: place / 2) == place)
                #expect(firstLineOctet(in: bytes.span, from: length) == length)
            }
        }
    }
}
