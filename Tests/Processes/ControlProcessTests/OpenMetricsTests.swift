import ProcessMessages
import RoleProcess
import Testing

@testable import ControlProcess

@Suite("Counters as OpenMetrics text (version 1.0.0)") struct OpenMetricsTests {
    @Test func `counters end in _total, numbers of now do not, and the text in EOF`() {
        let text = OpenMetrics.text(
            of: StatisticsReport(values: [Statistic(key: "smtp.session", value: 7), Statistic(key: "queue.envelope", value: 3)]))
        #expect(
            text == """
                # TYPE martlet_queue_envelope gauge
                martlet_queue_envelope 3
                # TYPE martlet_smtp_session counter
                martlet_smtp_session_total 7
                # EOF

                """)
    }

    @Test func `buckets of a distribution are cumulative and end at +Inf, in units of the metric`() throws {
        let histogram = try #require(
            HistogramValue(key: "mda.delay", bounds: [500, 2_000], counts: [1, 2, 4], sum: 12_345, unit: .milliseconds))
        #expect(
            OpenMetrics.text(of: StatisticsReport(values: [], histograms: [histogram])) == """
                # TYPE martlet_mda_delay_seconds histogram
                # UNIT martlet_mda_delay_seconds seconds
                martlet_mda_delay_seconds_bucket{le="0.500"} 1
                martlet_mda_delay_seconds_bucket{le="2.000"} 3
                martlet_mda_delay_seconds_bucket{le="+Inf"} 7
                martlet_mda_delay_seconds_count 7
                martlet_mda_delay_seconds_sum 12.345
                # EOF

                """)
    }

    @Test func `times of single computations are in seconds too, to the microsecond`() throws {
        let histogram = try #require(
            HistogramValue(key: "crypto.signature.time", bounds: [20, 1_000_000], counts: [1, 0, 1], sum: 1_000_021, unit: .microseconds))
        let text = OpenMetrics.text(of: StatisticsReport(values: [Statistic(key: "crypto.key", value: 2)], histograms: [histogram]))
        #expect(text.contains("# TYPE martlet_crypto_key gauge\n"))
        #expect(text.contains("martlet_crypto_signature_time_seconds_bucket{le=\"0.000020\"} 1\n"))
        #expect(text.contains("martlet_crypto_signature_time_seconds_bucket{le=\"1.000000\"} 1\n"))
        #expect(text.contains("martlet_crypto_signature_time_seconds_sum 1.000021\n"))
    }

    @Test func `no key makes a line that is none`() {
        let text = OpenMetrics.text(of: StatisticsReport(values: [Statistic(key: "a-b \"\n{x}", value: -1)]))
        #expect(text == "# TYPE martlet_a_b____x_ counter\nmartlet_a_b____x__total 0\n# EOF\n")
    }

    @Test func `a value falls into the first bucket that holds it`() {
        var histogram = Histogram.moments("x")
        for value in [0, 1, 2, 3, 10_000, 10_001, -5] as [Int64] { histogram.record(value) }
        let value = histogram.value
        #expect(value.counts.reduce(0, +) == 7 && value.sum == 20_002)
        #expect(value.counts[0] == 3 && value.counts[1] == 1 && value.counts[2] == 1 && value.counts.suffix(2) == [1, 1])
    }
}

@Suite("Requests of collectors (RFC 9112)") struct HTTPRequestTests {
    private func request(_ text: String) -> HTTPRequest {
        var request = HTTPRequest()
        for byte in text.utf8 where !request.isComplete { request.append([byte]) }
        return request
    }

    @Test(arguments: [
        ("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "/metrics"), ("GET /metrics?x=1 HTTP/1.0\n\n", "/metrics"), ("HEAD / HTTP/1.1\r\n\r\n", "/"),
        ("POST /metrics HTTP/1.1\r\n\r\n", nil), ("GET /metrics\r\n\r\n", nil), ("GET /metrics HTTP/2\r\n\r\n", nil), ("\r\n\r\n", nil), ("  HTTP/1.1\r\n\r\n", nil),
    ] as [(String, String?)])
    func `the first line says what is asked for`(_ text: String, _ path: String?) {
        #expect(request(text).isComplete && request(text).path == path)
    }

    @Test func `a head without an end is complete when it is too long, and asks for nothing`() {
        var endless = HTTPRequest()
        endless.append([UInt8](repeating: 0x61, count: 8_192))
        #expect(!endless.isComplete)
        endless.append([0x61])
        #expect(endless.isComplete && endless.path == nil)
        #expect(!request("GET / HTTP/1.1\r\nHost: x\r\n").isComplete)
    }

    @Test func `an answer has its length, and a head alone no body`() {
        let response = HTTPResponse(status: "200 OK", type: "text/plain", body: "é\n")
        let text = String(decoding: response.bytes(isHead: false), as: UTF8.self)
        #expect(text == "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\né\n")
        #expect(String(decoding: response.bytes(isHead: true), as: UTF8.self).hasSuffix("\r\n\r\n"))
    }
}
