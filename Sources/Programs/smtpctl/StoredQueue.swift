import Envelopes
import Glibc
import OfflineStore
import Platform
import QueueStorage

/// `show queue` while no daemon runs: what the spool holds, and what waits beside it for a start. Nothing is changed.
func showStoredQueue(of message: MessageID?, in installation: InstallationPaths) -> Never {
    var problem: String?
    do throws(StoreError) {
        try list(try StoredSpool.open(in: installation), message)
    } catch {
        problem = StoredSpool.text(of: error)
    }
    let waiting = message == nil ? OfflineListing.lines(in: installation.offline) : []
    for lines in waiting { write(Array(lines.utf8)) }
    // Where no daemon has ever run, an empty list would say too much.
    if waiting.isEmpty, (try? Files.status(installation.spool + "/queue")) ?? nil == nil {
        Diagnostics.fail("smtpctl: smtpd doesn't seem to be running")
    }
    if let problem { Diagnostics.fail("smtpctl: smtpd doesn't seem to be running, and its queue cannot be read: \(problem)") }
    exit(0)
}

/// Envelopes that cannot be read are told of and left out.
private func list(_ store: LogStore, _ message: MessageID?) throws(StoreError) {
    var after = message.flatMap { EnvelopeID(rawValue: (UInt64($0.rawValue) << 32) - 1) }
    while true {
        let page = store.page(after: after, limit: 256)
        guard let last = page.last else { return }
        after = last.id
        var output: [UInt8] = []
        for facts in page {
            if let message, facts.id.message != message {
                write(output)
                return
            }
            do throws(StoreError) {
                guard let queued = try store.listedEnvelope(facts.id) else { continue }
                output += QueueListing.line(queued.envelope, queued.transaction, queued.history, state: .offline).utf8
                output.append(0x0A)
            } catch {
                Diagnostics.say("smtpctl: envelope \(facts.id): \(error)")
            }
        }
        write(output)
    }
}

private func write(_ bytes: [UInt8]) {
    // Whoever reads it has seen enough.
    if (try? Files.writeAll(raw: STDOUT_FILENO, bytes)) == nil { exit(1) }
}
