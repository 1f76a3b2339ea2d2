import Filters
import Testing

@Suite("What a trace shows of the lines of a filter program (smtpctl(8))") struct LineTraceTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func `lines are shown as they are, however they come`() {
        var trace = FilterLineTrace(isWithinLine: false)
        #expect(trace.send(bytes("config|ready\nreport|0.7|1.000000|smtp-in|link-disconnect|01\n")) == [
            "config|ready", "report|0.7|1.000000|smtp-in|link-disconnect|01",
        ])
        #expect(trace.receive(bytes("register|rea")) == [])
        #expect(trace.receive(bytes("dy\nfilter-result|01|02|proceed\nfil")) == ["register|ready", "filter-result|01|02|proceed"])
        #expect(trace.receive(bytes("ter-result|01|03|proceed\n")) == ["filter-result|01|03|proceed"])
    }

    @Test func `content is counted, and lines between it stand where they came`() {
        var trace = FilterLineTrace(isWithinLine: false)
        let shown = trace.receive(
            bytes("filter-dataline|01|02|secret\nfilter-dataline|01|02|\nfilter-result|03|04|proceed\nfilter-dataline|01|02|a|b\nfilter-dataline|05|06|.\n"))
        #expect(shown == [
            "content of 01: 2 lines, 8 octets", "filter-result|03|04|proceed", "content of 01: 1 line, 4 octets",
            "content of 05: 1 line, 2 octets",
        ])
        #expect(FilterLineTrace.sent(content: bytes("ab\r\nc\n"), of: 0x1F) == "content of 000000000000001f: 2 lines, 6 octets")
    }

    @Test func `a line that began before the trace is not shown: it may be content`() {
        var trace = FilterLineTrace(isWithinLine: true)
        #expect(trace.receive(bytes("cret words")) == [])
        #expect(trace.receive(bytes(" of a message\nfilter-result|01|02|proceed\n")) == ["filter-result|01|02|proceed"])
    }

    @Test func `of AUTH the mechanism is shown, in the question and in its answer`() {
        var trace = FilterLineTrace(isWithinLine: false)
        #expect(trace.send(bytes("filter|0.7|1.000000|smtp-in|auth|01|0a|PLAIN c2VjcmV0\n")) == [
            "filter|0.7|1.000000|smtp-in|auth|01|0a|PLAIN ********",
        ])
        #expect(trace.send(bytes("filter|0.7|1.000000|smtp-in|auth|02|0b|LOGIN\n")) == ["filter|0.7|1.000000|smtp-in|auth|02|0b|LOGIN"])
        #expect(trace.receive(bytes("filter-result|01|0a|rewrite|PLAIN c2VjcmV0\n")) == ["filter-result|01|0a|rewrite|PLAIN ********"])
        #expect(trace.send(bytes("report|0.7|1.000000|smtp-in|filter-response|01|auth|rewrite|PLAIN c2VjcmV0\n")) == [
            "report|0.7|1.000000|smtp-in|filter-response|01|auth|rewrite|PLAIN ********",
        ])
        #expect(trace.send(bytes("report|0.7|1.000000|smtp-in|filter-response|01|helo|rewrite|a b\n")) == [
            "report|0.7|1.000000|smtp-in|filter-response|01|helo|rewrite|a b",
        ])
        // The token first, as programs of older protocols answer.
        #expect(trace.receive(bytes("filter-result|0b|02|rewrite|PLAIN c2VjcmV0\n")) == ["filter-result|0b|02|rewrite|PLAIN ********"])
        #expect(trace.receive(bytes("filter-result|01|0c|rewrite|<a b@c>\n")) == ["filter-result|01|0c|rewrite|<a b@c>"])
    }

    @Test func `a long line is cut, and costs no more than its beginning`() {
        var trace = FilterLineTrace(isWithinLine: false)
        for _ in 0..<100 { #expect(trace.receive([UInt8](repeating: 0x78, count: 65_536)) == []) }
        let shown = trace.receive(bytes("\nregister|ready\n"))
        #expect(shown == [String(repeating: "x", count: FilterLineTrace.maximumLine) + "...", "register|ready"])
        // Content of any length is counted by what has come of it in this and no other way.
        #expect(trace.receive(bytes("filter-dataline|01|02|" + String(repeating: "y", count: 5_000) + "\n")) == ["content of 01: 1 line, 5001 octets"])
    }

    @Test func `nothing that a program writes does harm`() {
        for text in ["\n", "|||||\n", "filter-dataline\n", "filter-dataline|\n", "filter-result|||rewrite\n", "\u{0}\u{7F}|\n", "filter-dataline|||\n"] {
            var trace = FilterLineTrace(isWithinLine: false)
            #expect(trace.receive(bytes(text)).count == 1)
        }
    }
}
