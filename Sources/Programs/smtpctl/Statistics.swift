import ControlMessages

/// The counters of the daemon at one moment.
struct Statistics {
    private var values: [String: Int64] = [:]

    /// From the lines of `show stats`; what is no number is left out.
    init(_ text: some Sequence<UInt8>) {
        for line in Array(text).split(separator: 0x0A) {
            let parts = line.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let value = Int64(String(decoding: parts[1], as: UTF8.self)) else { continue }
            values[String(decoding: parts[0], as: UTF8.self)] = value
        }
    }

    /// Zero for what the daemon has not counted yet.
    subscript(key: String) -> Int64 { values[key] ?? 0 }

    /// Of several counters.
    func sum(_ keys: String...) -> Int64 { keys.reduce(0) { $0 &+ self[$1] } }
}

/// A connection over which the daemon is asked again and again.
struct Observer: ~Copyable {
    private var client: ControlClient
    private let output: Output

    init(_ output: Output) {
        self.output = output
        do throws(ControlClientError) {
            client = try ControlClient(path: Program.installation.controlSocket, timeout: Program.patience)
        } catch {
            output.fail("smtpctl: \(error)")
        }
    }

    /// What a request answers; ends the program when it has no answer.
    mutating func ask(_ request: ClientToControl) -> [UInt8] {
        var bytes: [UInt8] = []
        do throws(ControlClientError) {
            switch try client.request(request, output: { bytes += $0 }) {
            case .end: return bytes
            case .refused: output.fail("smtpctl: need root privileges")
            case .failed(let reason): output.fail("command failed: \(reason)")
            case .done, .submissionReady, .output, .incompatible: output.fail("smtpctl: smtpd answered something that makes no sense")
            }
        } catch {
            output.fail("smtpctl: \(error)")
        }
    }

    mutating func statistics() -> Statistics { Statistics(ask(.showStatistics)) }
}
