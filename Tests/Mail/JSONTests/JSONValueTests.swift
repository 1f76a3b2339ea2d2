import JSON
import SeededTesting
import Testing

@Suite("JSON as it is written (RFC 8259)") struct JSONValueTests {
    @Test(arguments: [
        (JSONValue.null, "null"), (.bool(true), "true"), (.bool(false), "false"), (.integer(.min), "-9223372036854775808"),
        (.thousandths(1_500), "1.5"), (.thousandths(-20), "-0.02"), (.thousandths(3_000), "3"), (.thousandths(.min), "-9223372036854775.808"),
        (.text(""), "\"\""), (.text("a/b"), "\"a/b\""), (.array([]), "[]"), (.array([.null, .integer(1)]), "[null,1]"),
        (.object(["a": .text("b"), "c": .object([JSONValue.Member]())]), "{\"a\":\"b\",\"c\":{}}"),
        (.text(nil), "null"), (.integer(nil), "null"),
    ])
    func `each kind has its form`(_ value: JSONValue, _ text: String) {
        #expect(value.line == text)
    }

    @Test(arguments: [
        ("\"", "\\\""), ("\\", "\\\\"), ("\n\r\t", "\\n\\r\\t"), ("\u{0}", "\\u0000"), ("\u{1B}[2J", "\\u001b[2J"), ("\u{7F}", "\\u007f"),
        ("\u{85}", "\\u0085"), ("\u{2028}", "\\u2028"), ("\u{202E}", "\\u202e"), ("é", "é"), ("\u{1F600}", "\u{1F600}"),
    ])
    func `what must be escaped is, and nothing else`(_ text: String, _ escaped: String) {
        #expect(JSONValue.text(text).line == "\"\(escaped)\"")
        #expect(JSONValue.object([text: .null]).line == "{\"\(escaped)\":null}")
    }

    @Test func `any text is one line between quotes`() {
        var random = SplitMix64(seed: 8259)
        for _ in 0..<2_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            let written = JSONValue.text(String(decoding: bytes, as: UTF8.self)).bytes
            #expect(!written.contains { $0 < 0x20 || $0 == 0x7F })
            #expect(String(validating: written, as: UTF8.self) != nil)
            // Quotes inside stand behind an odd number of backslashes.
            var isEscaped = false
            for byte in written.dropFirst().dropLast() {
                if isEscaped { isEscaped = false } else if byte == UInt8(ascii: "\\") { isEscaped = true } else { #expect(byte != UInt8(ascii: "\"")) }
            }
            #expect(!isEscaped && written.first == UInt8(ascii: "\"") && written.last == UInt8(ascii: "\""))
        }
    }
}
