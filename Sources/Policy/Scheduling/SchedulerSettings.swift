/// The times and limits of the scheduler, with OpenSMTPD's defaults.
package struct SchedulerSettings: Hashable, Sendable {
    /// Envelopes that may be under delivery at once; at the limit no further one is handed out.
    package var maximumInflight = 5_000
    /// Envelopes in the outputs of one ``Scheduler/tick(now:)``, so that other events interleave.
    package var maximumSchedule = 10
    /// Envelopes in one page of a listing.
    package var maximumEnvelopeBatch = 256
    /// Messages in one page of a listing.
    package var maximumMessageBatch = 1_024
    /// Envelopes that wait on one hold queue; beyond it they are tried again on their own. Waiting on it costs no more
    /// than being pending. OpenSMTPD's limit is 1,000: of ten thousand that a smarthost missed in a day, nine thousand
    /// would come a quarter of an hour after it is back.
    package var maximumHeld = 1_000_000
    /// Seconds after creation at which the sender is told that a message still waits. The first
    /// ``maximumWarnIntervals`` count.
    package var bounceWarnIntervals: [Int64] = [4 * 3_600]

    /// Seconds that the retry curve multiplies with the square of the number of attempts.
    package var relayBase: Int64 = 400
    package var localBase: Int64 = 10
    package var bounceBase: Int64 = 10
    /// The same for envelopes that found their hold queue full.
    package var overflowBase: Int64 = 3
    /// The most seconds by which a retry is put off to keep a herd apart; zero switches it off.
    package var maximumJitter: Int64 = 60

    /// How many warn intervals an envelope can remember.
    package static let maximumWarnIntervals = 4

    package init() {}

    func curve(for kind: DeliveryKind) -> RetryCurve {
        switch kind {
        case .local: RetryCurve(base: localBase)
        case .relay: RetryCurve(base: relayBase)
        case .bounce: RetryCurve(base: bounceBase)
        }
    }
}
