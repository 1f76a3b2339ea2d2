import QueueStorage

/// Work on the spool that nobody waits for: messages leave segments that are nearly empty, and files are
/// filled with zeros before they are needed. In small steps, so that mail never waits long for one.
struct SpoolUpkeep {
    /// Bytes that one step may write.
    private static let budget = 512 << 10
    /// Between two steps: at most some 25 MB a second.
    private static let pause = Duration.milliseconds(20)
    /// From a change to the first look: what a burst leaves behind is looked at when it is over.
    static let delay = Duration.milliseconds(200)

    /// Messages committed when the last step looked.
    private var commits = 0

    /// Does a step; what it wrote joins the next flush.
    ///
    /// - Returns: When the next one is due; nil when there is nothing to do until something changes.
    mutating func step(_ store: some QueueStore) -> Duration? {
        // Zeros would take the disk from the mail that they are to make faster.
        let isQuiet = commits == store.statistics.commits
        commits = store.statistics.commits
        if store.compactStep(budget: Self.budget) { return Self.pause }
        guard isQuiet else { return Self.delay }
        return store.prepareStep(budget: Self.budget) ? Self.pause : nil
    }
}
