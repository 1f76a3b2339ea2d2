import Envelopes
import Platform

/// Reads the history from the oldest event on, a block at a time.
///
/// What cannot be read is passed over and counted. Files that are renamed or removed meanwhile are read to their end.
package final class HistoryReader {
    private struct File {
        let handle: FileHandle
        let header: HistoryFileHeader
        var offset = HistoryFileHeader.size
    }

    private let device: any StorageDevice
    private let wrapping: PayloadWrapping
    private var files: [File] = []
    /// Octets of the first file from some place on.
    private var window: (start: Int, bytes: [UInt8]) = (0, [])
    /// Places where something could not be read.
    package private(set) var damaged = 0

    private static let windowSize = 256 << 10

    /// Opens what is there; a generation that cannot be read counts as damage.
    ///
    /// - Throws: ``StoreError/unknownKey(_:)`` when one is encrypted with a key that is not among those given, unless
    ///   `skipsUnknownKeys`; ``StoreError/system(_:)``.
    package init(device: any StorageDevice, wrapping: PayloadWrapping, skipsUnknownKeys: Bool = false) throws(StoreError) {
        self.device = device
        self.wrapping = wrapping
        for name in [HistoryLog.formerName, HistoryLog.currentName] {
            guard let file = try open(name) else { continue }
            switch wrapping.obstacle(to: file.header.wrapping) {
            case nil: files.append(file)
            case .noKey? where !skipsUnknownKeys:
                device.close(file.handle)
                throw .unknownKey("the history")
            case .noKey?, .noCompressor?, .damaged?:
                device.close(file.handle)
                damaged += 1
            }
        }
    }

    /// One file alone, whatever its name.
    init?(_ name: String, device: any StorageDevice, wrapping: PayloadWrapping) throws(StoreError) {
        self.device = device
        self.wrapping = wrapping
        guard let file = try open(name) else { return nil }
        files = [file]
    }

    deinit {
        for file in files { device.close(file.handle) }
    }

    private func open(_ name: String) throws(StoreError) -> File? {
        do throws(SystemError) {
            guard let status = try device.status(name) else { return nil }
            guard status.isRegular else {
                damaged += 1
                return nil
            }
            let handle = try device.open(name)
            guard let header = HistoryFileHeader(try device.read(handle, at: 0, count: HistoryFileHeader.size)) else {
                device.close(handle)
                damaged += 1
                return nil
            }
            return File(handle: handle, header: header)
        } catch {
            throw .system(error)
        }
    }

    /// The events of the next block; nil behind the last one.
    package func next() throws(StoreError) -> [HistoryEvent]? {
        do throws(SystemError) {
            while let file = files.first {
                if let events = try block(of: file) { return events }
                device.close(file.handle)
                files.removeFirst()
                window = (0, [])
            }
        } catch {
            throw .system(error)
        }
        return nil
    }

    /// The next block of the first file that can be read; nil at its end.
    private func block(of file: File) throws(SystemError) -> [HistoryEvent]? {
        var isLost = false
        let salt = file.header.salt
        while true {
            let offset = files[0].offset
            let head = try bytes(of: file, at: offset, count: HistoryBlockHeader.size)
            if head.count < HistoryBlockHeader.size {
                if !head.isEmpty, !isLost { damaged += 1 }
                return nil
            }
            if let header = HistoryBlockHeader(head, salt: salt) {
                let payload = Array(try bytes(of: file, at: offset + HistoryBlockHeader.size, count: header.length))
                if payload.count == header.length, header.fits(payload, salt: salt) {
                    files[0].offset = offset + HistoryBlockHeader.size + header.length
                    if let events = events(payload, header.flags, file, at: offset) { return events }
                    damaged += 1
                    isLost = false
                    continue
                }
            }
            if !isLost { damaged += 1 }
            isLost = true
            guard let next = try find(salt, in: file, from: offset + 1) else { return nil }
            files[0].offset = next
        }
    }

    /// Where the salt stands next; nil for nowhere.
    private func find(_ salt: UInt64, in file: File, from start: Int) throws(SystemError) -> Int? {
        let mark = withUnsafeBytes(of: salt.bigEndian) { Array($0) }
        var start = start
        while true {
            let piece = try bytes(of: file, at: start, count: Self.windowSize / 2)
            guard piece.count >= mark.count else { return nil }
            let last = piece.endIndex - mark.count
            if let place = (piece.startIndex...last).first(where: { piece[$0] == mark[0] && piece[$0...].starts(with: mark) }) {
                return start + place - piece.startIndex
            }
            start += piece.count - mark.count + 1
        }
    }

    /// As many as there are, at most `count`.
    private func bytes(of file: File, at offset: Int, count: Int) throws(SystemError) -> ArraySlice<UInt8> {
        if offset < window.start || offset + count > window.start + window.bytes.count {
            window = (offset, try device.read(file.handle, at: offset, count: max(count, Self.windowSize)))
        }
        let start = offset - window.start
        return window.bytes[start..<min(start + count, window.bytes.count)]
    }

    private func events(_ payload: [UInt8], _ flags: WrappingFlags, _ file: File, at offset: Int) -> [HistoryEvent]? {
        let context = PayloadContext(historyBlockAt: offset, salt: file.header.salt)
        do {
            let bytes = try wrapping.unwrap(
                payload[...], flags, as: context, key: file.header.wrapping.key, limit: HistoryBlockHeader.maximumLength)
            var reader = RecordReader(bytes)
            var events: [HistoryEvent] = []
            while reader.remaining > 0 { events.append(try HistoryEvent(from: &reader)) }
            return events
        } catch {
            // Another key, or a newer version: the block is passed over, and counted.
            return nil
        }
    }
}
