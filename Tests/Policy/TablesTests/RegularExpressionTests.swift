import Glibc
import SeededTesting
import Testing

@testable import Tables

@Suite("Extended regular expressions (POSIX.1-2017 section 9.4)") struct RegularExpressionTests {
    @Test(arguments: [
        ("", "anything", true),
        ("b", "abc", true),
        ("^b", "abc", false),
        ("^abc$", "abc", true),
        ("^abc$", "abcd", false),
        ("^bot-[0-9]+@example\\.org$", "bot-17@example.org", true),
        ("^bot-[0-9]+@example\\.org$", "bot-@example.org", false),
        ("^bot-[0-9]+@example\\.org$", "bot-1@exampleXorg", false),
        ("a|b|cd", "xcdx", true),
        ("^(a|b)*c$", "ababc", true),
        ("^(a|b)*c$", "abdbc", false),
        ("^a{2,3}$", "a", false),
        ("^a{2,3}$", "aa", true),
        ("^a{2,3}$", "aaa", true),
        ("^a{2,3}$", "aaaa", false),
        ("^a{2}$", "aa", true),
        ("^a{2,}$", "aaaaaa", true),
        ("^a{,2}$", "aaa", false),
        ("^a{0}b$", "b", true),
        ("^(ab){2}$", "abab", true),
        ("^[[:alpha:]_][[:alnum:]_]*$", "_x9", true),
        ("^[[:alpha:]_][[:alnum:]_]*$", "9x", false),
        ("^[]a]+$", "]a]", true),
        ("^[^]a]+$", "bcd", true),
        ("^[^]a]+$", "b]d", false),
        ("^[a-]+$", "a-a", true),
        ("^[[=a=][.-.]]+$", "a-a", true),
        ("^[\\]+$", "\\\\", true),
        ("^[+--]+$", "+,-", true),
        ("x*", "", true),
        ("^()$", "", true),
        ("^(a*)*$", "aaaa", true),
        ("^(a|)+$", "", true),
        ("a||b", "zzz", true),
        ("\\.", "a.b", true),
        ("\\.", "ab", false),
        ("a)b", "a)b", true),
        ("(?i)^MAIL", "mail.example", true),
        ("^MAIL", "mail.example", false),
        ("(?i)^[a-c]+$", "ABC", true),
        ("(?i)^[^a]$", "A", false),
        ("\\bcat\\b", "the cat sat", true),
        ("\\bcat\\b", "concatenate", false),
        ("\\<s\\w+\\>", "the sat", true),
        ("^\\S+\\s\\S+$", "a b", true),
        ("^.$", "é", false),
        ("^..$", "é", true),
        ("^é$", "é", true),
        ("$^", "", true),
        ("a^b", "a^b", false),
    ])
    func `matches as POSIX says`(_ pattern: String, _ text: String, _ expected: Bool) throws {
        #expect(try RegularExpression(pattern).matches(text) == expected)
    }

    @Test(arguments: [
        ("*a", RegularExpression.SyntaxError.nothingToRepeat),
        ("a|*b", .nothingToRepeat),
        ("(+)", .nothingToRepeat),
        ("(a", .unbalancedParenthesis),
        ("[a", .unbalancedBracket),
        ("[", .unbalancedBracket),
        ("[]", .unbalancedBracket),
        ("[[:alpha:", .unbalancedBracket),
        ("[[:vowel:]]", .unknownClass("vowel")),
        ("[z-a]", .reversedRange),
        ("[[:digit:]-z]", .malformedRange),
        ("[a-[:digit:]]", .malformedRange),
        ("a{", .malformedInterval),
        ("a{x}", .malformedInterval),
        ("a{}", .malformedInterval),
        ("a{,}", .malformedInterval),
        ("a{3,2}", .malformedInterval),
        ("a{256}", .malformedInterval),
        ("a{1,256}", .malformedInterval),
        ("a\\", .trailingBackslash),
        ("(a)\\1", .backReference),
        ("(a{255}){255}", .tooLarge),
        ("((((){255}){255}){255}){255}", .tooLarge),
        (String(repeating: "a", count: 1025), .tooLong),
        (String(repeating: "(", count: 51), .nestedTooDeeply),
    ])
    func `refuses`(_ pattern: String, because reason: RegularExpression.SyntaxError) {
        #expect(throws: reason) { try RegularExpression(pattern) }
    }

    @Test func `takes a pattern of the longest length and the deepest nesting`() throws {
        #expect(try RegularExpression(String(repeating: "a", count: 1024)).matches(String(repeating: "a", count: 1024)))
        let nested = String(repeating: "(", count: 50) + "a" + String(repeating: ")", count: 50)
        #expect(try RegularExpression(nested).matches("a"))
        #expect(try RegularExpression("a{255}").matches(String(repeating: "a", count: 255)))
    }

    @Test(arguments: [
        "^(a+)+$", "^(a|aa)+$", "^(a*)*(a*)*(a*)*$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$",
        "(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)Z", "^(a?){90}a{90}$",
    ])
    func `a hostile pattern ends in bounded time`(_ pattern: String) throws {
        let expression = try RegularExpression(pattern)
        let text = String(repeating: "a", count: TableQuery.maximumKeyLength) + "!"
        let clock = ContinuousClock()
        let elapsed = clock.measure { _ = expression.matches(text) }
        #expect(elapsed < .seconds(10))
    }

    /// Compares with the C library on short patterns over a small alphabet.
    @Test func `agrees with the C library wherever both take the pattern`() {
        var random = SplitMix64(seed: 7)
        let pieces = [
            "a", "b", "c", ".", "*", "+", "?", "|", "(", ")", "[ab]", "[^a]", "[a-c]", "^", "$", "{2}", "{0,1}", "{1,}",
            "\\.", "[[:alpha:]]",
        ]
        var compared = 0
        for _ in 0..<4_000 {
            let count = Int.random(in: 1...7, using: &random)
            let pattern = (0..<count).map { _ in pieces.randomElement(using: &random)! }.joined()
            guard let ours = try? RegularExpression(pattern) else { continue }
            var theirs = regex_t()
            guard regcomp(&theirs, pattern, REG_EXTENDED | REG_NOSUB) == 0 else { continue }
            defer { regfree(&theirs) }
            for _ in 0..<8 {
                let text = String((0..<Int.random(in: 0...5, using: &random)).map { _ in "abc.".randomElement(using: &random)! })
                let expected = regexec(&theirs, text, 0, nil, 0) == 0
                #expect(ours.matches(text) == expected, "\(pattern) on \(text)")
                compared += 1
            }
        }
        #expect(compared > 10_000)
    }

    @Test func `no pattern crashes the parser`() {
        var random = SplitMix64(seed: 11)
        let samples = [
            "^bot-[0-9]+@example\\.org$", "[[:alpha:][=a=][.-.]-z]", "(a|b{2,3}|(c?)+)*$", "(?i)x{1,255}", "[^]-]",
        ]
        for _ in 0..<5_000 {
            let pattern = String(decoding: mutated(samples, &random), as: UTF8.self)
            if let expression = try? RegularExpression(pattern) { _ = expression.matches("bot-1@example.org") }
        }
    }
}
