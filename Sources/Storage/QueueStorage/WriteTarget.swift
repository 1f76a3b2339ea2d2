
/// A batch being laid out for the end of a segment, with the room its summary will need kept free.
struct WriteTarget {
    let start: Int
    private(set) var buffer: [UInt8] = []
    private let batch: UInt32
    private let salt: UInt64
    private let options: LogStore.Options
    private var summarySize: Int
    /// Nothing may be appended here at all.
    private let isClosed: Bool

    var end: Int { start + buffer.count }
    var isUntouched: Bool { buffer.isEmpty }

    /// The end of the store's head.
    init(_ store: LogStore) {
        options = store.options
        start = store.segments.last?.end ?? 0
        salt = store.segments.last?.salt ?? 0
        batch = store.head?.nextBatch ?? 0
        summarySize = store.head?.summary.count ?? 0
        isClosed = store.head?.isClosed ?? true
    }

    /// A new segment.
    init(_ options: LogStore.Options, salt: UInt64) {
        self.options = options
        self.salt = salt
        start = SegmentHeader.size
        batch = 1
        summarySize = 0
        isClosed = false
    }

    func fits(_ layout: RecordLayout) -> Bool {
        guard !isClosed, isUntouched || buffer.count + layout.size <= options.batch else { return false }
        let summary = summarySize + encodedEntries([layout.entry(end)]).count
        guard summarySize == 0 || summary <= options.summary else { return false }
        let room = options.segmentSize - SegmentTrailer.size - RecordHeader.recordSize(payload: summary)
        return end + layout.size <= room
    }

    mutating func append(_ layout: RecordLayout) -> LogEntry {
        let entry = layout.entry(end)
        summarySize += encodedEntries([entry]).count
        for record in layout.records { record.append(to: &buffer, start: start, batch: batch, salt: salt) }
        return entry
    }
}

func encodedEntries(_ entries: [LogEntry]) -> [UInt8] {
    var writer = RecordWriter()
    for entry in entries { entry.encode(into: &writer) }
    return writer.bytes
}
