import Testing

@testable import Envelopes

@Suite("Lines of show queue in two steps") struct ListedLinesTests {
    private typealias Line = ListedLines.Line

    /// Three envelopes of different length, with and without flags.
    private func listed() throws -> ListedLines {
        var lines = ListedLines()
        lines.append(try envelope(), try transaction(), DeliveryHistory())
        lines.append(
            try envelope(to: address("a", "example.net")), try transaction(),
            DeliveryHistory(attempts: 2, lastError: "b|c \u{FC}", isSuspended: true))
        lines.append(try envelope(), try transaction(from: .null), DeliveryHistory(lastError: "x\ny"))
        return lines
    }

    private func line(_ lines: ListedLines, _ index: Int, isHeld: Bool = false) -> String {
        var bytes: [UInt8] = []
        lines.appendLine(index, state: .pending(in: Int64.min), isHeld: isHeld, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `a line of many is what it is alone`() throws {
        let lines = try listed()
        for index in lines.lines.indices {
            let alone = QueueListing.line(
                [try envelope(), try envelope(to: address("a", "example.net")), try envelope()][index],
                [try transaction(), try transaction(), try transaction(from: .null)][index],
                [
                    DeliveryHistory(), DeliveryHistory(attempts: 2, lastError: "b|c \u{FC}", isSuspended: true),
                    DeliveryHistory(lastError: "x\ny"),
                ][index], state: .pending(in: .min))
            #expect(line(lines, index) == alone)
        }
        #expect(line(lines, 0).contains("|pending|-9223372036854775808|"))
    }

    @Test func `the flag for a hold queue comes last, and alone where there is no other`() throws {
        let lines = try listed()
        #expect(line(lines, 0, isHeld: true).split(separator: "|", omittingEmptySubsequences: false)[3] == "hold")
        #expect(line(lines, 1, isHeld: true).split(separator: "|", omittingEmptySubsequences: false)[3] == "suspend,hold")
    }

    @Test func `what another process made is taken when it makes sense`() throws {
        let lines = try listed()
        #expect(ListedLines(lines: lines.lines, text: lines.text) == lines)
        #expect(ListedLines(lines: [], text: []) == ListedLines())
    }

    @Test(arguments: [[0, 1, 2], [2, 1, 3], [2, 3, 2], [2, 3, 4], [1, 2, Int.max], [-1, 2, 3], [1, 2, 2]])
    func `places outside the text or out of order are refused`(_ places: [Int]) throws {
        let id = try envelope().id
        let line = Line(id: id, flagsEnd: places[0], stateStart: places[1], end: places[2])
        #expect(ListedLines(lines: [line], text: Array("abc".utf8)) == nil)
        #expect(ListedLines(lines: [Line(id: id, flagsEnd: 1, stateStart: 3, end: 3), line], text: Array("abc".utf8)) == nil)
    }

    @Test(arguments: [[0x61, 0x0A], [0x61, 0x1B], [0x7F], [0xC2, 0x9B], [0xE2, 0x80, 0xA8], [0xFF], [0xC3]] as [[UInt8]])
    func `a text that no terminal should get is refused`(_ text: [UInt8]) throws {
        let line = Line(id: try envelope().id, flagsEnd: 1, stateStart: 1, end: text.count)
        #expect(ListedLines(lines: [line], text: text) == nil)
    }
}
