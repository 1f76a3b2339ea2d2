import Glibc
import Platform
import Tables

/// The content of a map on its way into a database file, or out of one (makemap(8)).
package struct MapFile {
    /// Keys as they are stored, and values.
    package let records: [(key: [UInt8], value: [UInt8])]
    /// Whose owner and mode a new file gets; nil for those that a file gets anyway.
    private let model: FileStatus?

    /// Bytes of a source.
    private static let maximumSource = 1 << 30

    /// Reads a source: a database, this kind or of Berkeley DB, or else a text.
    ///
    /// - Parameters:
    ///   - path: Nil for standard input.
    ///   - kind: What a text holds; nil when it has to be a database.
    /// - Throws: Every mistake of a text at once.
    package init(_ path: String?, _ kind: MapSource.Kind?) throws(MapFileError) {
        let bytes: [UInt8]
        do throws(SystemError) {
            if let path {
                let file = try Files.open(path, O_RDONLY | O_NOCTTY)
                // Whoever writes it under a lock is not done.
                guard try FileLock.flock.acquireShared(file) else { throw SystemError("lock \(path)", code: EAGAIN) }
                model = try Files.status(file)
                bytes = try Files.readToEnd(file, limit: Self.maximumSource, name: path)
            } else {
                model = nil
                bytes = try Files.readToEnd(OwnedDescriptor(adopting: dup(STDIN_FILENO)), limit: Self.maximumSource, name: "standard input")
            }
        } catch {
            throw .system(error)
        }
        let name = path ?? "standard input"
        if BerkeleyDatabase.kind(of: bytes) != nil {
            do throws(BerkeleyDatabase.Failure) {
                records = try BerkeleyDatabase(bytes).records()
            } catch {
                throw .unusable("\(name): \(error.reason); try db_dump -p \(name), or make it anew from its text")
            }
            return
        }
        if let records = Self.constantRecords(bytes) {
            self.records = records
            return
        }
        guard let kind else { throw .unusable("\(name): not a database") }
        let source = MapSource(bytes, kind)
        guard source.problems.isEmpty else {
            throw .malformed(source.problems.map { "\(name):\($0.line): invalid entry: \($0.reason)" })
        }
        records = source.records
    }

    /// Nil for what is no constant database. A text is none: its first bytes would lead beyond its end.
    private static func constantRecords(_ bytes: [UInt8]) -> [(key: [UInt8], value: [UInt8])]? {
        let source: ConstantDatabaseReader.Source = { offset, count in Array(bytes[min(offset, bytes.count)..<min(offset + count, bytes.count)]) }
        // What is wrong is that it is no such file, or one that is of no use.
        guard let reader = try? ConstantDatabaseReader(size: bytes.count, source) else { return nil }
        return try? reader.records(limit: bytes.count, source)
    }

    /// Puts the map in the place of a file, whole or not at all: readers go on with the old one until then.
    package func write(to path: String) throws(MapFileError) {
        guard let bytes = ConstantDatabase.file(records) else { throw .unusable("\(path): more than a map can hold") }
        let temporary = "\(path).new.\(getpid())"
        do throws(SystemError) {
            do throws(SystemError) {
                let file = try Files.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
                try Files.writeAll(file, bytes)
                try takeOver(file)
                try Files.sync(file)
                try Files.rename(temporary, to: path)
            } catch {
                // It may not be there; what went wrong is said below.
                if error.code != EEXIST { try? Files.remove(temporary) }
                throw error
            }
            try Files.sync(try Files.open(Self.directory(of: path), O_RDONLY | O_DIRECTORY))
        } catch {
            throw .system(error)
        }
    }

    /// Owner and mode of the source: who may read the one may read the other.
    private func takeOver(_ file: borrowing OwnedDescriptor) throws(SystemError) {
        let raw = file.raw
        guard let model else {
            let mask = umask(0)
            umask(mask)
            _ = try checked("fchmod") { fchmod(raw, 0o644 & ~mask) }
            return
        }
        // An ordinary user cannot give files away, and need not.
        if geteuid() == 0 { _ = try checked("fchown") { fchown(raw, model.user, model.group) } }
        _ = try checked("fchmod") { fchmod(raw, model.permissions & 0o666) }
    }

    private static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}

/// Why a map cannot be made or read.
package enum MapFileError: Error, Hashable, Sendable {
    case system(SystemError)
    /// `FILE:LINE: invalid entry: REASON` for each.
    case malformed([String])
    case unusable(String)

    /// For standard error.
    package var lines: [String] {
        switch self {
        case .system(let error): ["makemap: \(error)"]
        case .malformed(let lines): lines
        case .unusable(let text): ["makemap: \(text)"]
        }
    }
}
