import EventLoop
import ProcessMessages
import RoleProcess

/// What crypto has signed since the start and how long that took, for `show stats` and `metrics`. Of keys and of what was
/// signed it knows nothing.
struct SignatureCounts {
    private var curves: Int64 = 0
    private var paddedHere: Int64 = 0
    private var paddedBlocks: Int64 = 0
    private var refused: Int64 = 0
    private var times = Histogram.instants("crypto.signature.time")

    /// - Parameters:
    ///   - isSigned: False when there was no such key, or it does not sign such a thing.
    ///   - duration: Of the attempt.
    mutating func note(_ request: SignatureRequest, isSigned: Bool, after duration: Duration) {
        guard isSigned else {
            refused += 1
            return
        }
        switch request {
        case .ecdsa: curves += 1
        case .rsaPKCS1: paddedHere += 1
        case .rsaBlock: paddedBlocks += 1
        }
        times.record(duration.wholeNanoseconds / 1_000)
    }

    /// - Parameter keys: Those that can sign now.
    func report(keys: Int) -> StatisticsReport {
        StatisticsReport(
            values: [
                Statistic(key: "crypto.key", value: Int64(keys)),
                Statistic(key: "crypto.signature.ecdsa", value: curves),
                Statistic(key: "crypto.signature.failed", value: refused),
                Statistic(key: "crypto.signature.rsa.pkcs1", value: paddedHere),
                Statistic(key: "crypto.signature.rsa.pss", value: paddedBlocks),
            ], histograms: [times.value])
    }
}
