@testable import ParentProcess
import ProcessMessages
import Testing

@Suite("What a token command prints (smtpd.conf(5), OAuth)") struct TokenAnswerTests {
    private func verdict(_ text: String) -> TokenVerdict { TokenAnswer.verdict(Array(text.utf8)) }

    @Test(arguments: [
        ("abc", .printed(Array("abc".utf8), seconds: nil)), ("abc\n", .printed(Array("abc".utf8), seconds: nil)),
        ("abc\r\n3600\r\n", .printed(Array("abc".utf8), seconds: 3_600)),
        ("abc\n0\nmore", .printed(Array("abc".utf8), seconds: 0)), ("abc\n\n", .printed(Array("abc".utf8), seconds: nil)),
        ("", .failed("it printed no token")), ("\nabc\n", .failed("it printed no token")),
        ("a token\n", .failed("what it printed is no token")), ("a\u{1}b", .failed("what it printed is no token")),
        ("t\u{F6}ken", .failed("what it printed is no token")),
        ("abc\nsoon\n", .failed("its second line is no number of seconds")),
        ("abc\n-1\n", .failed("its second line is no number of seconds")),
        ("abc\n4294967296\n", .failed("its second line is no number of seconds")),
    ] as [(String, TokenVerdict)])
    func `is a token and for how long it is good, or a reason`(_ text: String, _ expected: TokenVerdict) {
        #expect(verdict(text) == expected)
    }

    @Test func `has at most 8192 octets`() {
        let longest = String(repeating: "a", count: RelayToken.maximumLength)
        #expect(verdict(longest) == .printed(Array(longest.utf8), seconds: nil))
        #expect(verdict(longest + "a") == .failed("the token is too long"))
    }
}
