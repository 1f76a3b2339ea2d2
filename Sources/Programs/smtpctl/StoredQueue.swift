import Envelopes
import Glibc
import OfflineStore
import Platform
import QueueStorage

/// `show queue` while no daemon runs: what the spool holds, and what waits beside it for a start. Nothing is changed.
func showStoredQueue(of filter: QueueFilter, in installation: InstallationPaths, _ output: Output) -> Never {
    var problem: String?
    do throws(StoreError) {
        try list(try LogStore.inspect(device: ReadOnlyDevice(installation.spool + "/queue")), filter, output)
    } catch {
        problem = switch error {
        case .system(let error) where error.code == EACCES || error.code == EPERM: "need root privileges"
        default: "spool: \(error)"
        }
    }
    let waiting = filter.words.isEmpty ? OfflineListing.lines(in: installation.offline) : []
    for lines in waiting { show(Array(lines.utf8), output) }
    // Where no daemon has ever run, an empty list would say too much.
    if waiting.isEmpty, (try? Files.status(installation.spool + "/queue")) ?? nil == nil {
        output.fail("smtpctl: smtpd doesn't seem to be running")
    }
    if let problem { output.fail("smtpctl: smtpd doesn't seem to be running, and its queue cannot be read: \(problem)") }
    exit(0)
}

/// Envelopes that cannot be read are told of and left out.
private func list(_ store: LogStore, _ filter: QueueFilter, _ output: Output) throws(StoreError) {
    let now = Int64(time(nil))
    var after: EnvelopeID?
    while true {
        let page = store.page(after: after, limit: 256)
        guard let last = page.last else { return }
        after = last.id
        var lines: [UInt8] = []
        for facts in page where filter.ids.contains(facts.id.rawValue) {
            do throws(StoreError) {
                guard let queued = try store.listedEnvelope(facts.id) else { continue }
                guard filter.matches(queued.envelope, queued.transaction, queued.history, now: now),
                    filter.matches(QueueFilter.State(queued.history))
                else { continue }
                lines += QueueListing.line(queued.envelope, queued.transaction, queued.history, state: .offline).utf8
                lines.append(0x0A)
            } catch {
                Diagnostics.say("smtpctl: envelope \(facts.id): \(error)")
            }
        }
        show(lines, output)
    }
}

private func show(_ lines: [UInt8], _ output: Output) {
    if output.asJSON { output.convert(lines, .queue) } else { output.write(lines) }
}

extension QueueFilter.State {
    /// Where an envelope will stand when a daemon runs.
    init(_ history: DeliveryHistory) {
        self = history.isSuspended ? .paused : history.attempts > 0 ? .deferred : .pending
    }
}
