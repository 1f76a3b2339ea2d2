import Glibc
import Platform
import Tables

/// A table in a constant database that makemap(8) made (type `db`): looked up on the disk, so that its size costs no
/// memory, and opened again when another file is there.
///
/// Services that compare patterns need every key, and read them into memory when they are first asked.
package struct DatabaseTable: TableBackend {
    /// Bytes of keys and values that are read for patterns.
    static let maximumPatterns = 64 << 20

    package let name: String
    package let path: String
    private let subaddressDelimiter: UInt8
    private var database: OpenDatabase
    /// The keys, once a pattern service or a fetch has asked for them.
    private var patterns: StaticTable?
    /// A file that was there instead and could not be used.
    private var refused: FileStamp?

    /// - Throws: ``TableUpdateError/unreadable(_:)``, ``TableUpdateError/notRegularFile(_:)``, and
    ///   ``TableUpdateError/failed(_:)`` for what is no constant database.
    package init(
        name: String, path: String, subaddressDelimiter: UInt8 = UInt8(ascii: "+")
    ) throws(TableUpdateError) {
        self.name = name
        self.path = path
        self.subaddressDelimiter = subaddressDelimiter
        database = try OpenDatabase.open(path)
    }

    package mutating func answer(_ query: TableQuery) -> TableAnswer {
        reopenIfChanged()
        do throws(ConstantDatabase.Failure) {
            switch query.operation {
            case .fetch: return try withPatterns { $0.answer(query) }
            case .match:
                switch query.service {
                case .domain, .mailaddr, .netaddr, .regex: return try withPatterns { $0.answer(query) }
                case .alias, .credentials, .auth, .userinfo, .source, .addrname, .mailaddrmap, .relayhost, .string:
                    guard let key = TableKey(query: query) else { return .failed("key too long") }
                    return try value(of: key, query.service) == nil ? .notFound : .found(query.key)
                }
            case .lookup:
                guard let key = TableKey(query: query) else { return .failed("key too long") }
                guard let value = try value(of: key, query.service) else { return .notFound }
                guard let text = String(validating: value, as: UTF8.self), !value.isEmpty, !value.contains(0) else {
                    return .failed("\(path): a value that is empty or no text")
                }
                return .found(text)
            }
        } catch {
            return .failed("\(path): \(error.reason)")
        }
    }

    /// An unchanged file is opened again too: it may be another of the same time and size.
    package mutating func update() throws(TableUpdateError) {
        database = try OpenDatabase.open(path)
        patterns = nil
        refused = nil
    }

    /// Every look-up sees to that itself; only a file that could not be used is one.
    package func isOutdated() -> Bool { refused != nil }

    private mutating func reopenIfChanged() {
        guard let now = TableContent.stamp(path), now != database.stamp, now != refused else { return }
        do throws(TableUpdateError) {
            try update()
        } catch {
            // The one that was in use goes on; `update table` says what is wrong with the other.
            refused = now
        }
    }

    private func value(of key: TableKey, _ service: TableService) throws(ConstantDatabase.Failure) -> [UInt8]? {
        for form in key.forms(for: service) {
            // Some tools store the NUL that ends a string in C.
            for stored in [form.bytes, form.bytes + [0]] {
                guard var value = try database.value(of: stored) else { continue }
                if value.last == 0 { value.removeLast() }
                return value
            }
        }
        return nil
    }

    private mutating func withPatterns(
        _ body: (inout StaticTable) -> TableAnswer
    ) throws(ConstantDatabase.Failure) -> TableAnswer {
        if patterns == nil {
            let keys = try database.records(limit: Self.maximumPatterns).map { record in
                String(decoding: record.key.last == 0 ? record.key.dropLast() : record.key[...], as: UTF8.self)
            }
            patterns = StaticTable(
                name: name, kind: .list, elements: keys.map { TableElement(key: $0) },
                subaddressDelimiter: subaddressDelimiter)
        }
        guard var table = patterns.take() else { preconditionFailure("made just now") }
        defer { patterns = table }
        return body(&table)
    }
}

/// An open constant database.
final class OpenDatabase: Sendable {
    let stamp: FileStamp
    private let file: OwnedDescriptor
    private let reader: ConstantDatabaseReader

    private init(_ file: consuming OwnedDescriptor, _ stamp: FileStamp, _ reader: ConstantDatabaseReader) {
        self.file = file
        self.stamp = stamp
        self.reader = reader
    }

    static func open(_ path: String) throws(TableUpdateError) -> OpenDatabase {
        let opened: Result<OpenDatabase, TableUpdateError>
        do throws(SystemError) {
            let file = try TableContent.open(path)
            let status = try Files.status(file)
            switch reader(of: path, file, status) {
            case .success(let reader): opened = .success(OpenDatabase(file, FileStamp(status), reader))
            case .failure(let error): opened = .failure(error)
            }
        } catch {
            throw .unreadable(error)
        }
        return try opened.get()
    }

    private static func reader(
        of path: String, _ file: borrowing OwnedDescriptor, _ status: FileStatus
    ) -> Result<ConstantDatabaseReader, TableUpdateError> {
        guard status.isRegular else { return .failure(.notRegularFile(path)) }
        let raw = file.raw
        do throws(ConstantDatabase.Failure) {
            return .success(
                try ConstantDatabaseReader(size: Int(status.size)) { (offset, count) throws(ConstantDatabase.Failure) in
                    try read(raw, offset, count)
                })
        } catch {
            // A look at the first page tells a map of an older kind; without one the reason stands as it is.
            let start = (try? read(raw, 0, 512)) ?? []
            if let kind = BerkeleyDatabase.kind(of: start) {
                return .failure(.failed("\(path): \(kind), which is not read here; convert it: makemap -o \(path) \(path)"))
            }
            return .failure(.failed("\(path): \(error.reason)"))
        }
    }

    func value(of key: [UInt8]) throws(ConstantDatabase.Failure) -> [UInt8]? {
        let raw = file.raw
        return try reader.value(of: key) { (offset, count) throws(ConstantDatabase.Failure) in try Self.read(raw, offset, count) }
    }

    func records(limit: Int) throws(ConstantDatabase.Failure) -> [(key: [UInt8], value: [UInt8])] {
        let raw = file.raw
        return try reader.records(limit: limit) { (offset, count) throws(ConstantDatabase.Failure) in try Self.read(raw, offset, count) }
    }

    /// From a descriptor that its owner keeps open meanwhile.
    private static func read(_ raw: CInt, _ offset: Int, _ count: Int) throws(ConstantDatabase.Failure) -> [UInt8] {
        do throws(SystemError) {
            return try Files.readSome(raw: raw, at: offset, count: count)
        } catch {
            throw .unreadable(error.reason)
        }
    }
}
