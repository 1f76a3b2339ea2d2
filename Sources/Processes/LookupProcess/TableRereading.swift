import EventLoop
import Platform

/// Reads tables again whose files have changed.
///
/// A file is taken once it has looked the same twice, so that one that is being written is not read half; an editor
/// that writes a new file and renames it is on the safe side anyway. One that cannot be used leaves the content that
/// is in force, which is said once.
@EventLoopActor
final class TableRereading {
    static let interval = Duration.seconds(5)

    private unowned let lookup: LookupProcess
    private var timer: LoopTimer?
    /// The changes seen at the last look.
    private var seen: [String: FileStamp] = [:]
    /// The states that could not be used.
    private var refused: [String: FileStamp] = [:]

    init(_ lookup: LookupProcess) {
        self.lookup = lookup
        let timer = LoopTimer { [unowned self] in look() }
        self.timer = timer
        timer.schedule(after: Self.interval)
    }

    private func look() {
        let changed = lookup.changedTables
        for (name, stamp) in changed.sorted(by: { $0.key < $1.key }) where seen[name] == stamp && refused[name] != stamp {
            lookup.updateTable(name) { [self] failure in refused[name] = failure == nil ? nil : stamp }
        }
        seen = changed
        timer?.schedule(after: Self.interval)
    }
}
