import EventLoop
import QueueStorage

/// Work on the spool that nobody waits for: messages leave segments that are nearly empty, and files are
/// filled with zeros before they are needed. In small steps, so that mail never waits long for one.
extension QueueProcess {
    /// Bytes that one step may write.
    private static let upkeepBudget = 512 << 10
    /// Between two steps: at most some 25 MB a second.
    private static let upkeepPause = Duration.milliseconds(20)
    /// After something has changed: what a burst leaves behind is looked at when it is over.
    private static let upkeepDelay = Duration.milliseconds(200)

    /// Something was written; there may be work.
    func planUpkeep() {
        guard !upkeepTimer.isScheduled else { return }
        upkeepTimer.schedule(after: Self.upkeepDelay)
    }

    func upkeep() {
        // Zeros would take the disk from the mail that they are to make faster.
        let commits = store.statistics.commits
        let isQuiet = commits == commitsAtUpkeep
        commitsAtUpkeep = commits
        let compacts = store.compactStep(budget: Self.upkeepBudget)
        // Moved messages are written like outcomes: with the next commit, or a moment later.
        if store.needsFlush { planOutcomeFlush() }
        if compacts || isQuiet && store.prepareStep(budget: Self.upkeepBudget) {
            upkeepTimer.schedule(after: Self.upkeepPause)
        } else if !isQuiet {
            upkeepTimer.schedule(after: Self.upkeepDelay)
        }
    }
}
