// What the suites of this folder share: short spellings of bytes, and one way to run the filter.
import MailSyntax
import SeededTesting

@testable import Submission

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
func text(_ bytes: some Sequence<UInt8>) -> String { String(decoding: Array(bytes), as: UTF8.self) }
// The tests' own domains are well formed.
func domain(_ name: String) -> Domain { try! Domain(validating: bytes(name)) }

let here = domain("host.example")

func settings(ignoresDots: Bool = true, collects: Bool = false) -> MessageFilter.Settings {
    MessageFilter.Settings(
        domain: here, ignoresDots: ignoresDots, collectsRecipients: collects, from: bytes("Me <me@host.example>"),
        date: bytes("DATE"), messageID: bytes("<ID>"))
}

/// Filters a message that arrives in pieces of a size.
func filtered(
    _ input: [UInt8], _ settings: MessageFilter.Settings, pieces: Int = 1 << 20
) throws -> (output: [UInt8], filter: MessageFilter) {
    var filter = MessageFilter(settings)
    var output: [UInt8] = []
    var rest = input[...]
    while !rest.isEmpty, !filter.isEnded {
        let piece = Array(rest.prefix(pieces))
        rest = rest.dropFirst(pieces)
        try filter.take(piece, count: piece.count, onto: &output)
    }
    try filter.finish(onto: &output)
    return (output, filter)
}

func filtered(_ input: String, ignoresDots: Bool = true) throws -> String {
    text(try filtered(bytes(input), settings(ignoresDots: ignoresDots)).output)
}

/// The recipients that `-t` finds.
func collected(_ input: String) throws -> [String] {
    let list = try filtered(bytes(input), settings(collects: true)).filter.headerRecipients
    return (list?.addresses ?? []).map(\.text)
}

/// What is added to a header that has nothing.
let added = "From: Me <me@host.example>\nDate: DATE\nMessage-ID: <ID>\n"
/// A header that needs nothing added.
let complete = "From: a@b.example\nDate: d\nMessage-ID: <m>\n"

func invocation(_ words: String..., name: String = "/usr/sbin/sendmail") -> Invocation {
    Invocation(name: bytes(name), arguments: words.map(bytes))
}

func options(_ words: [String]) -> SubmissionOptions? {
    guard case .submit(let options) = Invocation(name: bytes("sendmail"), arguments: words.map(bytes)) else {
        return nil
    }
    return options
}

extension SplitMix64 {
    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
}
