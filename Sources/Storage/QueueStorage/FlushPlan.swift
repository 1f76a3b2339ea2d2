import Platform

/// The blocking part of one flush as plain data, performed in the order of the fields.
struct FlushPlan: Sendable {
    /// Big bodies: sync, then give them their final name.
    var bodies: [(file: FileHandle, from: String, to: String)] = []
    /// Files of messages that are gone.
    var removals: [String] = []
    /// The oldest segment, empty now: its name, and its name as a spare or nil to remove it.
    var recycling: (name: String, spare: String?)?
    /// What ends the last segment before a new one begins. An aid for the next start, so its failure is nothing.
    var seal: Seal?
    /// The file a new segment begins in, and its header.
    var roll: (from: String, to: String, header: [UInt8])?
    /// Where a trailer must be voided before the batch counts.
    var staleTrailer: Int?
    var batch: [UInt8] = []
    var file: FileHandle?
    var offset = 0

    struct Seal: Sendable {
        var file: FileHandle
        var summary: [UInt8]
        var summaryOffset: Int
        var trailer: [UInt8]
        var trailerOffset: Int
    }

    func perform(on device: any StorageDevice) -> FlushOutcome {
        var outcome = FlushOutcome()
        outcome.bodies = performBodies(on: device)
        for name in removals {
            do throws(SystemError) {
                try device.remove(name)
            } catch {
                if !error.isMissing { outcome.removals.append((name, error)) }
            }
        }
        if let recycling {
            do throws(SystemError) {
                if let spare = recycling.spare {
                    try device.rename(recycling.name, to: spare)
                } else {
                    try device.remove(recycling.name)
                }
                // Before the next oldest may go: a start must never find an older segment without a younger one.
                try device.syncDirectory("segments")
            } catch {
                outcome.recycling = error
            }
        }
        guard let file else { return outcome }
        seal?.perform(on: device)
        do throws(SystemError) {
            if let roll { try device.write(roll.header, to: file, at: 0) }
            if let staleTrailer {
                try device.write([UInt8](repeating: 0, count: SegmentTrailer.size), to: file, at: staleTrailer)
            }
            try device.write(batch, to: file, at: offset)
            try device.sync(file)
            if let roll {
                try device.rename(roll.from, to: roll.to)
                try device.syncDirectory("segments")
            }
        } catch {
            outcome.log = error
            undo(on: device, file)
        }
        return outcome
    }

    private func performBodies(on device: any StorageDevice) -> [SystemError?] {
        var results: [SystemError?] = []
        for body in bodies {
            do throws(SystemError) {
                try device.sync(body.file)
                try device.rename(body.from, to: body.to)
                results.append(nil)
            } catch {
                results.append(error)
            }
        }
        if !bodies.isEmpty {
            do throws(SystemError) {
                try device.syncDirectory("large")
            } catch {
                results = results.map { $0 ?? error }
            }
        }
        return results
    }

    /// Takes a failed batch out of sight of a start that may come before the next segment begins.
    ///
    /// The device has just failed, so this may fail as well; then only the next segment's header, which says
    /// where the durable part ended, keeps what was refused from coming back.
    private func undo(on device: any StorageDevice, _ file: FileHandle) {
        if let roll {
            try? device.remove(roll.to)
            try? device.remove(roll.from)
        } else {
            try? device.write([UInt8](repeating: 0, count: batch.count), to: file, at: offset)
        }
    }
}

extension FlushPlan.Seal {
    /// A start that finds no sound summary reads the records, so no error here loses anything.
    func perform(on device: any StorageDevice) {
        do throws(SystemError) {
            try device.write(summary, to: file, at: summaryOffset)
            try device.write(trailer, to: file, at: trailerOffset)
            try device.sync(file)
        } catch {}
    }
}
