import Glibc
import Platform
import SeededTesting

@testable import QueueStorage

/// A file system in memory that fails, stops or loses power where a test says so.
///
/// It keeps what was written apart from what was synced: a power cut keeps the synced content of every file and, of
/// each write since, a random part in units of a sector; names count as synced with their directory.
///
/// Unchecked: a test and the flush jobs it performs are one thread.
final class SimulatedDevice: StorageDevice, @unchecked Sendable {
    struct Write {
        var offset: Int
        var bytes: [UInt8]
    }

    final class File {
        var content: [UInt8] = []
        var synced: [UInt8] = []
        var unsynced: [Write] = []
    }

    enum Node {
        case file(File)
        case directory
        case other
    }

    struct State {
        var names: [String: Node] = [".": .directory]
        /// Names as they are on disk, by directory when it was synced.
        var syncedNames: [String: Node] = [".": .directory]
        var open: [CInt: File] = [:]
        var nextHandle: CInt = 100
        var isLocked = false
        var lockHandle: CInt?
        /// Calls that change something, counted for faults.
        var calls = 0
        var syncs = 0
        var failAt: Int?
        var failsFrom = false
        var failure: CInt = EIO
        var hasStopped = false
        /// Bytes that may be allocated in all; nil for no limit.
        var room: Int?
        var generator = SplitMix64(seed: 1)
    }

    private var state = State()

    private func withLock<Value>(_ body: (inout State) -> Value) -> Value { body(&state) }

    private func mutate<Value>(
        _ operation: String, counted: Bool = true, _ body: (inout State) throws(SystemError) -> Value
    ) throws(SystemError) -> Value {
        if state.hasStopped { throw SystemError(operation, code: EIO) }
        if counted {
            state.calls += 1
            if let at = state.failAt, state.calls == at || (state.failsFrom && state.calls > at) {
                throw SystemError(operation, code: state.failure)
            }
        }
        return try body(&state)
    }

    // MARK: What a test does

    func fail(at call: Int?, from: Bool = false, code: CInt = EIO) {
        withLock {
            $0.calls = 0
            $0.failAt = call
            $0.failsFrom = from
            $0.failure = code
        }
    }

    var calls: Int { withLock { $0.calls } }
    var syncs: Int { withLock { $0.syncs } }

    func setRoom(_ bytes: Int?) { withLock { $0.room = bytes } }

    /// The process is killed: nothing is lost but what it held in memory.
    func kill() {
        withLock {
            $0.open = [:]
            $0.lockHandle = nil
            $0.isLocked = false
            $0.failAt = nil
        }
    }

    /// The power fails: what was not synced survives in random parts.
    func cutPower() {
        withLock { state in
            state.open = [:]
            state.lockHandle = nil
            state.isLocked = false
            state.failAt = nil
            // Each change of a name that was not synced happened or not; a rename is one change.
            var places: [ObjectIdentifier: (file: File, synced: String?, current: String?)] = [:]
            var names: [String: Node] = [:]
            for (name, node) in state.syncedNames {
                if case .file(let file) = node { places[ObjectIdentifier(file)] = (file, name, nil) } else { names[name] = node }
            }
            for (name, node) in state.names {
                if case .file(let file) = node {
                    places[ObjectIdentifier(file), default: (file, nil, nil)].current = name
                } else {
                    names[name] = node
                }
            }
            let order = places.values.sorted { ($0.current ?? $0.synced ?? "") < ($1.current ?? $1.synced ?? "") }
            for place in order {
                let name = state.generator.next() % 2 == 0 ? place.current : place.synced
                if let name { names[name] = .file(place.file) }
            }
            state.names = names
            state.syncedNames = names
            for node in names.values {
                guard case .file(let file) = node else { continue }
                var content = file.synced
                for write in file.unsynced {
                    var start = 0
                    while start < write.bytes.count {
                        let end = min(start + 512 - (write.offset + start) % 512, write.bytes.count)
                        if state.generator.next() % 2 == 0 {
                            Self.put(Array(write.bytes[start..<end]), at: write.offset + start, in: &content)
                        }
                        start = end
                    }
                }
                file.content = content
                file.synced = content
                file.unsynced = []
            }
        }
    }

    func seed(_ seed: UInt64) { withLock { $0.generator = SplitMix64(seed: seed) } }

    func names(in directory: String) -> [String] {
        withLock { state in
            state.names.keys.filter { $0.hasPrefix(directory + "/") }.map { String($0.dropFirst(directory.count + 1)) }
                .sorted()
        }
    }

    func content(_ name: String) -> [UInt8]? {
        withLock { state in
            if case .file(let file) = state.names[name] { file.content } else { nil }
        }
    }

    func setContent(_ name: String, _ bytes: [UInt8]) {
        withLock { state in
            let file = File()
            file.content = bytes
            file.synced = bytes
            state.names[name] = .file(file)
            state.syncedNames[name] = .file(file)
        }
    }

    func addOther(_ name: String, isDirectory: Bool) {
        withLock {
            $0.names[name] = isDirectory ? .directory : .other
            $0.syncedNames[name] = $0.names[name]
        }
    }

    private static func put(_ bytes: [UInt8], at offset: Int, in content: inout [UInt8]) {
        if content.count < offset + bytes.count {
            content += [UInt8](repeating: 0, count: offset + bytes.count - content.count)
        }
        content.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
    }

    // MARK: StorageDevice

    func lock(_ path: String) throws(SystemError) -> FileHandle? {
        try mutate("lock", counted: false) { state throws(SystemError) in
            if state.isLocked { return nil }
            state.isLocked = true
            state.nextHandle += 1
            state.lockHandle = state.nextHandle
            return FileHandle(number: state.nextHandle)
        }
    }

    func makeDirectory(_ path: String) throws(SystemError) {
        try mutate("mkdir") { state throws(SystemError) in
            if state.names[path] == nil { state.names[path] = .directory }
        }
    }

    func list(_ directory: String) throws(SystemError) -> [String] { names(in: directory) }

    func status(_ path: String) throws(SystemError) -> DeviceStatus? {
        try mutate("stat", counted: false) { state throws(SystemError) in
            switch state.names[path] {
            case nil: nil
            case .file(let file): DeviceStatus(size: file.content.count, isRegular: true, isDirectory: false, links: 1)
            case .directory: DeviceStatus(size: 0, isRegular: false, isDirectory: true, links: 2)
            case .other: DeviceStatus(size: 0, isRegular: false, isDirectory: false, links: 1)
            }
        }
    }

    func open(_ path: String) throws(SystemError) -> FileHandle {
        try mutate("open", counted: false) { state throws(SystemError) in
            guard case .file(let file) = state.names[path] else { throw SystemError("open \(path)", code: ENOENT) }
            return Self.handle(for: file, &state)
        }
    }

    private static func handle(for file: File, _ state: inout State) -> FileHandle {
        state.nextHandle += 1
        state.open[state.nextHandle] = file
        return FileHandle(number: state.nextHandle)
    }

    func create(_ path: String) throws(SystemError) -> FileHandle {
        try mutate("create") { state throws(SystemError) in
            guard state.names[path] == nil else { throw SystemError("create \(path)", code: EEXIST) }
            let file = File()
            state.names[path] = .file(file)
            return Self.handle(for: file, &state)
        }
    }

    func descriptor(_ path: String) throws(SystemError) -> OwnedDescriptor {
        let bytes = content(path) ?? []
        let file = try Files.open("/tmp", 0o20200000 | O_RDWR)
        try Files.writeAll(file, bytes)
        lseek(file.raw, 0, SEEK_SET)
        return file
    }

    func close(_ file: FileHandle) {
        withLock {
            $0.open[file.number] = nil
            if $0.lockHandle == file.number {
                $0.lockHandle = nil
                $0.isLocked = false
            }
        }
    }

    private static func file(_ handle: FileHandle, _ state: State) throws(SystemError) -> File {
        guard let file = state.open[handle.number] else { throw SystemError("closed", code: EBADF) }
        return file
    }

    func allocate(_ file: FileHandle, size: Int) throws(SystemError) {
        try mutate("allocate") { state throws(SystemError) in
            let file = try Self.file(file, state)
            if let room = state.room {
                guard room >= size else { throw SystemError("allocate", code: ENOSPC) }
                state.room = room - size
            }
            file.content += [UInt8](repeating: 0, count: max(0, size - file.content.count))
            file.synced = file.content
        }
    }

    func read(_ file: FileHandle, at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
        try mutate("read", counted: false) { state throws(SystemError) in
            let content = try Self.file(file, state).content
            return Array(content[min(offset, content.count)..<min(offset + count, content.count)])
        }
    }

    func write(_ bytes: [UInt8], to file: FileHandle, at offset: Int) throws(SystemError) {
        let half = Array(bytes.prefix(bytes.count / 2))
        do throws(SystemError) {
            try mutate("write") { state throws(SystemError) in
                try Self.append(bytes, at: offset, to: Self.file(file, state), &state)
            }
        } catch {
            // A write that fails has often written something.
            try mutate("write", counted: false) { state throws(SystemError) in
                if error.code != EBADF { try Self.append(half, at: offset, to: Self.file(file, state), &state) }
            }
            throw error
        }
    }

    private static func append(_ bytes: [UInt8], at offset: Int, to file: File, _ state: inout State) throws(SystemError) {
        let grown = offset + bytes.count - file.content.count
        if grown > 0, let room = state.room {
            guard room >= grown else { throw SystemError("write", code: ENOSPC) }
            state.room = room - grown
        }
        put(bytes, at: offset, in: &file.content)
        file.unsynced.append(Write(offset: offset, bytes: bytes))
    }

    func sync(_ file: FileHandle) throws(SystemError) {
        do throws(SystemError) {
            try mutate("sync") { state throws(SystemError) in
                let file = try Self.file(file, state)
                state.syncs += 1
                for write in file.unsynced { Self.put(write.bytes, at: write.offset, in: &file.synced) }
                file.unsynced = []
            }
        } catch {
            // The kernel marks the pages clean: a later sync believes them written, and they are not.
            try mutate("sync", counted: false) { state throws(SystemError) in
                if let file = state.open[file.number] { file.unsynced = [] }
            }
            throw error
        }
    }

    func syncDirectory(_ path: String) throws(SystemError) {
        try mutate("syncdir") { state throws(SystemError) in
            let prefix = path == "." ? "" : path + "/"
            func isInside(_ name: String) -> Bool {
                name.hasPrefix(prefix) && !name.dropFirst(prefix.utf8.count).contains("/")
            }
            for name in Array(state.syncedNames.keys) where isInside(name) { state.syncedNames[name] = nil }
            for (name, node) in state.names where isInside(name) { state.syncedNames[name] = node }
        }
    }

    func rename(_ old: String, to new: String) throws(SystemError) {
        try mutate("rename") { state throws(SystemError) in
            guard let node = state.names.removeValue(forKey: old) else {
                throw SystemError("rename \(old)", code: ENOENT)
            }
            state.names[new] = node
        }
    }

    func remove(_ path: String) throws(SystemError) {
        try mutate("remove") { state throws(SystemError) in
            guard case .file(let file) = state.names.removeValue(forKey: path) else {
                throw SystemError("remove \(path)", code: ENOENT)
            }
            if let room = state.room { state.room = room + file.content.count }
        }
    }
}
