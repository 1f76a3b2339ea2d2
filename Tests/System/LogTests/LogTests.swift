import Synchronization
import Testing

@testable import Log

/// Remembers lines.
private final class MemorySink: LogSink {
    private let kept = Mutex<[String]>([])
    var lines: [String] { kept.withLock { $0 } }
    func write(_ level: LogLevel, _ line: String) { kept.withLock { $0.append("\(level) \(line)") } }
}

@Suite("What is logged") struct LoggerTests {
    @Test func `brief leaves out debug, verbose shows it, and the change reaches copies`() {
        let sink = MemorySink()
        let logger = Logger(sink)
        let copy = logger
        copy.debug("one")
        copy.info("two")
        logger.settings.isVerbose = true
        copy.debug("three")
        logger.settings.isVerbose = false
        copy.debug("four")
        copy.warning("five")
        copy.error("six")
        copy.critical("seven")
        #expect(sink.lines == ["info two", "debug three", "warning five", "error six", "critical seven"])
    }

    @Test func `a trace appears only for its subject and whatever the threshold`() {
        let sink = MemorySink()
        let logger = Logger(sink)
        logger.trace("expand", "no")
        logger.settings.setTracing("expand", true)
        logger.trace("expand", "yes")
        logger.trace("tables", "no")
        logger.settings.setTracing("expand", false)
        logger.trace("expand", "no")
        #expect(sink.lines == ["debug expand: yes"])
    }

    @Test func `text that is not logged is not made`() {
        let logger = Logger(NullSink())
        var isMade = false
        func text() -> String {
            isMade = true
            return ""
        }
        logger.debug(text())
        logger.trace("tables", text())
        #expect(!isMade)
        logger.info(text())
        #expect(isMade)
    }
}

@Suite("A line is one line") struct LogTextTests {
    @Test(arguments: [
        ("plain text", "plain text"),
        ("a\r\nb", "a\\r\\nb"),
        ("tab\tnul\0", "tab\\tnul\\u{0}"),
        ("\u{1B}[2J", "\\u{1b}[2J"),
        ("\u{7F}\u{9B}\u{2028}\u{202E}", "\\u{7f}\\u{9b}\\u{2028}\\u{202e}"),
        ("Grüße 雪", "Grüße 雪"),
        ("", ""),
    ])
    func `is escaped`(_ text: String, _ expected: String) {
        #expect(LogText.line(text) == expected)
    }

    @Test func `is cut above the limit, never within a character`() {
        let limit = LogText.maximumLine
        #expect(LogText.line(String(repeating: "x", count: limit)) == String(repeating: "x", count: limit))
        #expect(LogText.line(String(repeating: "x", count: limit + 1)) == String(repeating: "x", count: limit - 3) + "...")
        let wide = LogText.line(String(repeating: "雪", count: limit))
        #expect(wide.utf8.count <= limit && wide.hasSuffix("雪..."))
        let hostile = LogText.line(String(repeating: "\n", count: 1 << 20))
        #expect(hostile.utf8.count <= limit)
    }

    @Test(arguments: [
        ("plain", "plain"),
        ("<a@b>", "<a@b>"),
        ("", "\"\""),
        ("two words", "\"two words\""),
        ("a=b", "\"a=b\""),
        ("say \"hi\" \\", "\"say \\\"hi\\\" \\\\\""),
        ("x\ny", "\"x\\ny\""),
    ])
    func `values are quoted when they must be`(_ text: String, _ expected: String) {
        #expect(LogText.value(text) == expected)
    }

    @Test func `fields keep their order`() {
        #expect(LogText.fields(["b": "1", "a": "x y"]) == "b=1 a=\"x y\"")
    }

    @Test func `any text becomes one line of bounded length`() {
        var state: UInt64 = 9
        for _ in 0..<2000 {
            var text = ""
            for _ in 0..<40 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                if let scalar = Unicode.Scalar(UInt32(state >> 43) % 0x3000) { text.unicodeScalars.append(scalar) }
            }
            for line in [LogText.line(text), LogText.fields(["key": text])] {
                #expect(!line.unicodeScalars.contains { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) })
            }
        }
    }
}
