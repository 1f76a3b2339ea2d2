import Glibc
import Platform
import SeededTesting
import Testing

@testable import Log

@Suite("Fields of a line of the log") struct LogFieldsTests {
    @Test func `a line is taken apart into words and fields`() {
        let parts = LogFields("a1 smtp connected address=192.0.2.1 host=\"a \\\"b\\\\\" empty=\"\" from=<ada@example.org> done")
        #expect(parts.text == "a1 smtp connected done")
        #expect(parts.fields.map(\.name) == ["address", "host", "empty", "from"])
        #expect(parts.fields.map(\.value) == ["192.0.2.1", "a \"b\\", "", "<ada@example.org>"])
    }

    @Test(arguments: ["", "=", "=x", "a=", "A=x", "a=\"", "a=\"\\", "<a>=b", "  ", "a==b"])
    func `what is no field is text, and nothing traps`(_ line: String) {
        let parts = LogFields(line)
        #expect(parts.fields.count == (["a=", "a=\"", "a=\"\\", "a==b"].contains(line) ? 1 : 0))
    }

    @Test func `what LogText writes comes back`() {
        var random = SplitMix64(seed: 5)
        let alphabet: [Unicode.Scalar] = ["a", " ", "\"", "\\", "=", "é", "<", "0"]
        for _ in 0..<1_000 {
            let value = String(String.UnicodeScalarView((0..<Int.random(in: 0...8, using: &random)).map { _ in alphabet.randomElement(using: &random)! }))
            let parts = LogFields("x " + LogText.fields(["key": value, "next": "1"]))
            #expect(parts.fields.map(\.value) == [value, "1"], "\(value)")
        }
    }

    @Test func `an entry of the journal has the line, its priority and its fields`() {
        let entry = String(decoding: JournalSink.entry(.warning, "queue msgid=5f3a9c1e last-try=3", program: "smtpd"), as: UTF8.self)
        #expect(
            entry == "MESSAGE=queue msgid=5f3a9c1e last-try=3\nPRIORITY=4\nSYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=smtpd\nSMTPD_MSGID=5f3a9c1e\nSMTPD_LAST_TRY=3\n")
    }

    @Test func `an entry arrives at a socket, and a journal that is not there is an error`() throws {
        let path = "/tmp/martlet-journal-\(getpid())"
        #expect(throws: SystemError.self) { try JournalSink(program: "smtpd", path: path) }
        let journal = OwnedDescriptor(adopting: socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0))
        let code = try SocketAddress.local(path: path).withKernelForm { bind(journal.raw, $0, $1) }
        defer { unlink(path) }
        #expect(code == 0)
        Logger(try JournalSink(program: "smtpd", path: path)).info("hello to=<a@b.example>")
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = recv(journal.raw, &bytes, bytes.count, CInt(MSG_DONTWAIT))
        #expect(count > 0 && String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).contains("\nSMTPD_TO=<a@b.example>\n"))
    }
}
