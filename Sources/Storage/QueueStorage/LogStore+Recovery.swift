import Envelopes
import Platform

/// The start: what is on disk is read sceptically, and nothing found there stops it but a newer format,
/// another process, and a disk that does not work.
extension LogStore {
    /// The version of the whole layout; segments carry their own as well.
    package static let formatVersion: UInt32 = 1

    /// Opens the store, made new where it is missing, and reads the queue.
    ///
    /// Names in `segments`, `incoming` and `large` that are not ours, and files of ours that make no sense, are moved
    /// to `corrupt`; other names in the store's directory are left alone and never opened.
    ///
    /// - Parameters:
    ///   - wrapping: How payloads are wrapped from now on; keys and forms of before must be among what it reads.
    ///   - random: A source of 64 random bits that nobody can foresee: ids and the salts that tell records from
    ///   message text come from it.
    /// - Returns: The store, and what should be logged.
    /// - Throws: ``StoreError/inUse``, ``StoreError/newerFormat(found:understood:)``, ``StoreError/system(_:)``,
    ///   ``StoreError/unknownKey(_:)`` and ``StoreError/compressed(_:)`` when something that waits could not be read,
    ///   ``StoreError/outOfSpace`` when not even the directories can be made.
    package static func open(
        device: any StorageDevice, options: Options = Options(), wrapping: PayloadWrapping = PayloadWrapping(),
        random: @escaping () -> UInt64
    ) throws(StoreError) -> (store: LogStore, warnings: [StoreWarning]) {
        let store = try begin(device: device, options: options, wrapping: wrapping, random: random)
        return (store, try store.recover())
    }

    /// The first half of ``open(device:options:wrapping:random:)``: takes the store for this process and looks whether
    /// its format is known. It is good for nothing but ``recover()`` yet.
    package static func begin(
        device: any StorageDevice, options: Options = Options(), wrapping: PayloadWrapping = PayloadWrapping(),
        random: @escaping () -> UInt64
    ) throws(StoreError) -> LogStore {
        guard let lock = try converting({ () throws(SystemError) in try device.lock("lock") }) else { throw .inUse }
        let store = LogStore(device: device, options: options, wrapping: wrapping, lock: lock, random: random)
        _ = try store.checkFormat()
        return store
    }

    static func converting<Value>(_ body: () throws(SystemError) -> Value) throws(StoreError) -> Value {
        do throws(SystemError) { return try body() } catch { throw StoreError(error) }
    }

    /// The second half: reads every segment, in time that grows with what waits.
    ///
    /// - Returns: What should be logged.
    package func recover() throws(StoreError) -> [StoreWarning] {
        let hasFormat = try checkFormat()
        let found = try findSegments()
        try makeDirectories()
        if !hasFormat { try Self.converting { () throws(SystemError) in try writeFormat() } }
        try setAsideForeignSegments(except: found)
        var isDamaged = false
        let valid = withoutVoidOnes(found)
        var replay = SummaryReplay()
        for (place, (segment, end)) in valid.enumerated() {
            if try !recover(segment, end: end, isLast: place == valid.count - 1, &replay) { isDamaged = true }
            if replay.isFull { replay.finish(in: &index) }
        }
        replay.finish(in: &index)
        try checkReadable()
        try Self.converting { () throws(SystemError) in
            try recoverLarge(isDamaged: isDamaged)
            try emptyIncoming()
            // The name of the last segment may have been on its way when the machine stopped.
            try device.syncDirectory("segments")
        }
        do throws(StoreError) {
            try ensureSpare()
        } catch {
            warnings.append(StoreWarning(name: "segments", problem: "no room is left for outcomes: \(error)"))
        }
        defer { warnings = [] }
        return warnings
    }

    // MARK: Format and directories

    /// - Returns: Whether the format file says what we understand.
    func checkFormat() throws(StoreError) -> Bool {
        let content = try Self.converting { () throws(SystemError) -> [UInt8]? in
            guard let status = try device.status("format"), status.isRegular else { return nil }
            let file = try device.open("format")
            defer { device.close(file) }
            return try device.read(file, at: 0, count: 64)
        }
        guard let content else { return false }
        let words = content.split(whereSeparator: { $0 == 0x20 || $0 == 0x0A }).map { String(decoding: $0, as: UTF8.self) }
        guard words.count == 3, words[0] == "martlet", words[1] == "queue", let version = UInt32(words[2]) else {
            return false
        }
        guard version <= Self.formatVersion else {
            throw .newerFormat(found: version, understood: Self.formatVersion)
        }
        return true
    }

    private func writeFormat() throws(SystemError) {
        if try device.status("format") != nil { setAside(file: "format", because: "not a format file") }
        if try device.status("format.new") != nil { try device.remove("format.new") }
        let file = try device.create("format.new")
        defer { device.close(file) }
        try device.write(Array("martlet queue \(Self.formatVersion)\n".utf8), to: file, at: 0)
        try device.sync(file)
        try device.rename("format.new", to: "format")
        try device.syncDirectory(".")
    }

    private func makeDirectories() throws(StoreError) {
        try Self.converting { () throws(SystemError) in
            for name in ["corrupt", "segments", "large", "incoming"] {
                if let status = try device.status(name), !status.isDirectory {
                    setAside(file: name, because: "not a directory")
                }
                try device.makeDirectory(name)
            }
            try device.syncDirectory(".")
        }
    }
}
