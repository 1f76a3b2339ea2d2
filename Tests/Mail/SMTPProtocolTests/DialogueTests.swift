import Glibc
import Testing

@testable import SMTPProtocol

/// Runs the conversations in the folder Dialogues.
///
/// `C: ` is a line of the client, `S: ` a line of the server; `C< ` sends no line end. Written `\r`, `\n`,
/// `\0` and `\\` stand for octets. All client lines between two server lines are sent at once. `# ` begins
/// a remark. A file ends with `S: <close>` when the server closes.
@Suite("Dialogues (RFC 5321 appendix D and others)") struct DialogueTests {
    @Test(arguments: [
        "d1-typical", "d2-aborted", "d3-relayed", "d4-verifying", "pipelining", "chunking", "order", "parameters",
        "reset-by-ehlo", "international", "refused-data",
    ])
    func `goes as written`(_ name: String) throws {
        var server = try TestServer()
        server.output = server.greeting
        var expected: [String] = []
        var pending: [UInt8] = []
        for line in try Self.lines(of: name) {
            if line.hasPrefix("C: ") || line.hasPrefix("C< ") {
                Self.check(&expected, &server, name)
                pending += Self.unescaped(line.dropFirst(3))
                if line.hasPrefix("C: ") { pending += [0x0D, 0x0A] }
            } else if line.hasPrefix("S: ") {
                if !pending.isEmpty {
                    server.send(pending)
                    pending = []
                }
                expected.append(String(line.dropFirst(3)))
            } else {
                #expect(line.isEmpty || line.hasPrefix("#"), "\(name): \(line)")
            }
        }
        Self.check(&expected, &server, name)
        #expect(pending.isEmpty, "\(name) ends with a line of the client")
    }

    private static func check(_ expected: inout [String], _ server: inout TestServer, _ name: String) {
        guard !expected.isEmpty else { return }
        var lines = server.takeLines()
        if server.closed != nil { lines.append("<close>") }
        #expect(lines == expected, "\(name)")
        expected = []
    }

    private static func unescaped(_ line: Substring) -> [UInt8] {
        var result: [UInt8] = []
        var rest = line.utf8.makeIterator()
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "\\") else {
                result.append(byte)
                continue
            }
            switch rest.next() {
            case UInt8(ascii: "r"): result.append(0x0D)
            case UInt8(ascii: "n"): result.append(0x0A)
            case UInt8(ascii: "0"): result.append(0)
            case let other: result.append(other ?? byte)
            }
        }
        return result
    }

    private static func lines(of name: String) throws -> [Substring] {
        let folder = #filePath.prefix(upTo: try #require(#filePath.lastIndex(of: "/")))
        let file = try #require(fopen("\(folder)/Dialogues/\(name).txt", "r"))
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = getc(file), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    }
}
