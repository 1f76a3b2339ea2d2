import Platform
import Submission

/// What the caller gets to read. That nobody reads is no reason to fail.
struct Console {
    /// The name the program was started under, without its directory.
    var name: String {
        let last = path.split(separator: UInt8(ascii: "/")).last ?? []
        return last.isEmpty ? "sendmail" : printableText(last)
    }

    private let path: [UInt8]

    /// - Parameter path: What the program was started as; of use only when there is something to say.
    init(path: [UInt8]) { self.path = path }

    /// Says on standard error why something is not done.
    func complain(_ text: String) { Diagnostics.say("\(name): \(text)") }

    /// Writes to standard output.
    func write(_ bytes: [UInt8]) {
        // A closed standard output is the caller's choice.
        try? Files.writeAll(raw: 1, bytes)
    }

    func write(_ text: String) { write(Array(text.utf8)) }
}
