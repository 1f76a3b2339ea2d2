import ProcessMessages

/// Counters as OpenMetrics text (version 1.0.0), which Prometheus and its like read.
enum OpenMetrics {
    static let contentType = "application/openmetrics-text; version=1.0.0; charset=utf-8"

    /// The names are those of `show stats`, with `martlet_` before them and `_` for what no name may hold.
    static func text(of report: StatisticsReport) -> String {
        var text = ""
        for value in report.values.sorted(by: { $0.key < $1.key }) {
            let name = name(of: value.key)
            if gauges.contains(value.key) {
                text += "# TYPE \(name) gauge\n\(name) \(value.value)\n"
            } else {
                text += "# TYPE \(name) counter\n\(name)_total \(max(0, value.value))\n"
            }
        }
        for histogram in report.histograms.sorted(by: { $0.key < $1.key }) { append(histogram, to: &text) }
        return text + "# EOF\n"
    }

    private static func append(_ histogram: HistogramValue, to text: inout String) {
        let unit: String
        let number: (Int64) -> String
        switch histogram.unit {
        case .milliseconds:
            unit = "seconds"
            number = { decimal($0, places: 3) }
        case .microseconds:
            unit = "seconds"
            number = { decimal($0, places: 6) }
        case .bytes:
            unit = "bytes"
            number = { String($0) }
        }
        let name = "\(name(of: histogram.key))_\(unit)"
        text += "# TYPE \(name) histogram\n# UNIT \(name) \(unit)\n"
        var total: UInt64 = 0
        for (bound, count) in zip(histogram.bounds, histogram.counts) {
            total &+= count
            text += "\(name)_bucket{le=\"\(number(bound))\"} \(total)\n"
        }
        total &+= histogram.counts.last ?? 0
        text += "\(name)_bucket{le=\"+Inf\"} \(total)\n\(name)_count \(total)\n\(name)_sum \(number(histogram.sum))\n"
    }

    /// Thousandths as seconds, or millionths.
    private static func decimal(_ parts: Int64, places: Int) -> String {
        let (whole, rest) = parts.magnitude.quotientAndRemainder(dividingBy: places == 3 ? 1_000 : 1_000_000)
        let digits = String(rest)
        return (parts < 0 ? "-" : "") + "\(whole).\(String(repeating: "0", count: places - digits.utf8.count))\(digits)"
    }

    private static func name(of key: String) -> String {
        "martlet_" + String(decoding: key.utf8.map { isOfName($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
    }

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }

    /// Numbers of now; all others only grow.
    private static let gauges: Set<String> = [
        "control.session.open", "crypto.key", "mda.envelope", "mda.pending", "mda.running", "mda.user", "mta.connector", "mta.domain",
        "mta.envelope", "mta.host", "mta.relay", "mta.route", "mta.session", "mta.source", "mta.task", "mta.task.running",
        "parent.agent", "parent.checker", "queue.envelope", "queue.evpcache.size", "queue.message", "queue.segment", "scheduler.envelope",
        "scheduler.envelope.inflight", "scheduler.ramqueue.envelope", "scheduler.ramqueue.hold", "scheduler.ramqueue.holdq",
        "scheduler.ramqueue.message", "smtp.session.open", "uptime",
    ]
}
