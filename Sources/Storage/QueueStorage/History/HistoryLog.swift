import Envelopes
import Platform

/// What has become of messages, for as long as there is room: two files in a directory of their own, the older one of which
/// is forgotten when the newer one is full.
///
/// Nobody waits for it, and nothing depends on it: it is written a moment later, and never synced by itself. A crash may
/// cost the last second, one of the machine what the system had not written yet. What cannot be written is given up.
///
///     current     new events come to its end
///     former      the file before that
///     new         one that is being made, to take the place of another
package final class HistoryLog {
    static let currentName = "current"
    static let formerName = "former"
    private static let newName = "new"

    /// Bytes of both files together; see ``QueueSettings``.
    package let limit: Int
    private let device: any StorageDevice
    private let random: () -> UInt64
    private var wrapping: PayloadWrapping
    private var current: (handle: FileHandle, header: HistoryFileHeader, end: Int)?
    private var buffer = RecordWriter()
    /// Events in the buffer.
    private var buffered = 0

    /// Encoded bytes that are written without waiting for more.
    private static let fullBuffer = 32 << 10
    package static let smallestLimit = 64 << 10

    /// Nothing is opened before something is to be written.
    package init(
        device: any StorageDevice, limit: Int, wrapping: PayloadWrapping, random: @escaping () -> UInt64
    ) {
        self.device = device
        self.limit = max(limit, Self.smallestLimit)
        self.wrapping = wrapping
        self.random = random
    }

    deinit {
        if let current { device.close(current.handle) }
    }

    /// Takes an event; it is in memory until ``write()``.
    ///
    /// - Returns: True when so much has come that it should be written now.
    package func note(_ event: HistoryEvent) -> Bool {
        event.encode(into: &buffer)
        buffered += 1
        return buffer.bytes.count >= Self.fullBuffer
    }

    package var hasUnwritten: Bool { buffered > 0 }

    /// Appends what has come, as a block.
    ///
    /// - Throws: when that fails; the events are given up, since whatever is kept for a better time has no bound.
    package func write() throws(StoreError) {
        guard buffered > 0 else { return }
        let payload = buffer.bytes
        buffer = RecordWriter()
        buffered = 0
        do throws(SystemError) {
            try append(payload)
        } catch {
            if let current { device.close(current.handle) }
            current = nil
            throw .system(error)
        }
    }

    /// Goes on with another wrapping. What stands there under another key, or in clear where it shall be secret now, is
    /// written anew; what cannot be read stays behind as the older file until it is forgotten.
    package func use(_ new: PayloadWrapping) throws(StoreError) {
        try write()
        var new = new
        new.keepKeys(of: wrapping)
        wrapping = new
        try rewrap()
    }

    /// The same at a start, when other files may be there than the options want.
    package func rewrap() throws(StoreError) {
        do throws(SystemError) {
            if let current { device.close(current.handle) }
            current = nil
            for name in [Self.formerName, Self.currentName] {
                guard let header = try header(of: name), header.wrapping.key != wrapping.segment.key else { continue }
                guard wrapping.obstacle(to: header.wrapping) == nil else {
                    if name == Self.currentName { try device.rename(name, to: Self.formerName) }
                    continue
                }
                try rewrite(name)
            }
        } catch {
            throw .system(error)
        }
    }

    /// Forgets everything.
    package static func remove(from device: any StorageDevice) throws(StoreError) {
        do throws(SystemError) {
            for name in [currentName, formerName, newName] where try device.status(name) != nil { try device.remove(name) }
        } catch {
            throw .system(error)
        }
    }

    /// A reader of everything up to now.
    package func reader() throws(StoreError) -> HistoryReader {
        try write()
        return try HistoryReader(device: device, wrapping: wrapping, skipsUnknownKeys: true)
    }

    // MARK: Files

    private func append(_ payload: [UInt8]) throws(SystemError) {
        var file = try openCurrent()
        if file.end > limit / 2 {
            device.close(file.handle)
            current = nil
            try device.rename(Self.currentName, to: Self.formerName)
            file = try openCurrent()
        }
        let stored = wrapping.wrap(payload, as: PayloadContext(historyBlockAt: file.end, salt: file.header.salt))
        let block = HistoryBlockHeader.block(stored, salt: file.header.salt)
        try device.write(block, to: file.handle, at: file.end)
        file.end += block.count
        current = file
    }

    private func openCurrent() throws(SystemError) -> (handle: FileHandle, header: HistoryFileHeader, end: Int) {
        if let current { return current }
        if let status = try device.status(Self.currentName) {
            if let header = try header(of: Self.currentName), header.wrapping.key == wrapping.segment.key {
                let file = (handle: try device.open(Self.currentName), header: header, end: status.size)
                current = file
                return file
            }
            if status.isRegular, status.size < HistoryFileHeader.size {
                // Its beginning could not be written: nothing is lost with it.
                try device.remove(Self.currentName)
            } else {
                // Of a newer version, or damaged where it matters.
                try device.rename(Self.currentName, to: Self.formerName)
            }
        }
        let file = try create(Self.currentName)
        current = file
        return file
    }

    private func create(_ name: String) throws(SystemError) -> (handle: FileHandle, header: HistoryFileHeader, end: Int) {
        let header = HistoryFileHeader(salt: random(), wrapping: wrapping.segment)
        let handle = try device.create(name)
        do throws(SystemError) {
            try device.write(header.encoded, to: handle, at: 0)
        } catch {
            device.close(handle)
            throw error
        }
        return (handle, header, HistoryFileHeader.size)
    }

    private func header(of name: String) throws(SystemError) -> HistoryFileHeader? {
        guard try device.status(name)?.isRegular == true else { return nil }
        let handle = try device.open(name)
        defer { device.close(handle) }
        return HistoryFileHeader(try device.read(handle, at: 0, count: HistoryFileHeader.size))
    }

    private func rewrite(_ name: String) throws(SystemError) {
        if try device.status(Self.newName) != nil { try device.remove(Self.newName) }
        let file = try create(Self.newName)
        defer { device.close(file.handle) }
        var end = file.end
        do throws(StoreError) {
            guard let reader = try HistoryReader(name, device: device, wrapping: wrapping) else { return }
            while let events = try reader.next() {
                var writer = RecordWriter()
                for event in events { event.encode(into: &writer) }
                let stored = wrapping.wrap(writer.bytes, as: PayloadContext(historyBlockAt: end, salt: file.header.salt))
                let block = HistoryBlockHeader.block(stored, salt: file.header.salt)
                do throws(SystemError) { try device.write(block, to: file.handle, at: end) } catch { throw .system(error) }
                end += block.count
            }
        } catch {
            guard case .system(let error) = error else { return }
            throw error
        }
        // Seldom, and what stood there before is gone with it.
        try device.sync(file.handle)
        try device.rename(Self.newName, to: name)
    }
}
