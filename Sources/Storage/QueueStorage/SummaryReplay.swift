/// What the summaries of many segments say, replayed together in order of message.
///
/// Entries about different messages do not touch each other, and those about one are replayed in the order of the
/// log. In order of message the index is only appended to, whatever the order in which random ids were written.
struct SummaryReplay {
    /// An entry in one of the summaries.
    private struct Place {
        var message: UInt32
        var summary: UInt32
        var offset: UInt32
    }

    private var summaries: [(segment: UInt32, bytes: [UInt8])] = []
    private var places: [Place] = []
    private var size = 0

    /// Bytes of summaries above which it is time to ``finish(in:)``: those of some million entries.
    private static let limit = 48 << 20

    var isFull: Bool { size >= Self.limit }

    /// Takes the summary of a segment that comes after all before it in the log.
    ///
    /// - Returns: False, and nothing taken, when it makes no sense.
    mutating func add(_ summary: [UInt8], of segment: UInt32) -> Bool {
        let count = places.count
        var reader = RecordReader(summary)
        do throws(RecordError) {
            while reader.remaining > 0 {
                let offset = summary.count - reader.remaining
                let message = try LogEntry.check(&reader)
                places.append(
                    Place(message: message, summary: UInt32(summaries.count), offset: UInt32(truncatingIfNeeded: offset)))
            }
        } catch {
            places.removeLast(places.count - count)
            return false
        }
        summaries.append((segment, summary))
        size += summary.count
        return true
    }

    /// Replays what was taken, and forgets it.
    mutating func finish(in index: inout QueueIndex) {
        sort()
        for place in places {
            let (segment, bytes) = summaries[Int(place.summary)]
            var reader = RecordReader(bytes[Int(place.offset)...])
            do throws(RecordError) {
                index.replay(try LogEntry(from: &reader), in: segment)
            } catch {
                preconditionFailure("an entry was checked before it was taken: \(error)")
            }
        }
        self = SummaryReplay()
    }

    /// Puts the places in order of message, those of one message staying in theirs: some bits of the number at a time.
    private mutating func sort() {
        let bits: UInt32 = 11
        let mask: UInt32 = 1 << bits - 1
        var target = places
        for shift in [0, bits, 2 * bits] {
            var next = [Int](repeating: 0, count: 1 << bits)
            for place in places { next[Int(place.message >> shift & mask)] += 1 }
            var sum = 0
            for value in next.indices { (next[value], sum) = (sum, sum + next[value]) }
            for place in places {
                let value = Int(place.message >> shift & mask)
                target[next[value]] = place
                next[value] += 1
            }
            swap(&places, &target)
        }
    }
}
