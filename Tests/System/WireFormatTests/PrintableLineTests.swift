import Testing
import WireFormat

private func written(_ text: String) throws -> String {
    var writer = WireWriter()
    writer.write(line: text)
    var reader = WireReader(writer.bytes)
    let line = try reader.readLine()
    try reader.finish()
    return line
}

private func isRead(_ text: String) -> Bool {
    var writer = WireWriter()
    writer.write(text)
    var reader = WireReader(writer.bytes)
    do throws(WireError) {
        _ = try reader.readLine()
        return true
    } catch {
        return false
    }
}

@Suite("Printable lines in messages") struct PrintableLineTests {
    @Test(arguments: ["", "rule smtpd.conf:3: no user ada", "Zeitüberschreitung 📫", " | \\ \""])
    func `plain text passes unchanged`(_ text: String) throws {
        #expect(try written(text) == text)
    }

    @Test(arguments: [
        "a\nb", "a\rb", "a\tb", "a\u{0}b", "a\u{1B}[2Jb", "a\u{7F}b", "a\u{85}b", "a\u{9B}b", "a\u{2028}b",
        "a\u{2029}b",
    ])
    func `what could end the line or move a cursor is replaced when written and refused when read`(_ text: String)
        throws
    {
        #expect(!isRead(text))
        let line = try written(text)
        #expect(line.hasPrefix("a?") && line.hasSuffix("b"))
    }

    @Test func `a line is cut at its limit and refused beyond it`() throws {
        let limit = PrintableLine.maximumLength
        let longest = String(repeating: "x", count: limit)
        #expect(try written(longest) == longest)
        #expect(try written(longest + "x") == longest)
        #expect(isRead(longest))
        #expect(!isRead(longest + "x"))
    }

    @Test func `a line is never cut inside a character`() throws {
        let limit = PrintableLine.maximumLength
        let text = String(repeating: "x", count: limit - 1) + "é"
        #expect(try written(text) == String(repeating: "x", count: limit - 1))
    }
}
