import Platform
import Submission

/// What the caller gets to read. That nobody reads is no reason to fail.
struct Console {
    /// The name the program was started under, without its directory.
    let name: String

    init(name: [UInt8]) {
        let last = name.split(separator: UInt8(ascii: "/")).last ?? []
        self.name = last.isEmpty ? "sendmail" : printableText(last)
    }

    /// Says on standard error why something is not done.
    func complain(_ text: String) { Diagnostics.say("\(name): \(text)") }

    /// Writes to standard output.
    func write(_ bytes: [UInt8]) {
        // A closed standard output is the caller's choice.
        try? Files.writeAll(raw: 1, bytes)
    }

    func write(_ text: String) { write(Array(text.utf8)) }
}
