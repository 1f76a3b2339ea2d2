/// Maps that other mail servers made with Berkeley DB: hash and B-tree files of the versions 2 to 18, and hash files
/// of 1.85. They are read as a whole, to be written anew as a ``ConstantDatabase``; nothing is changed in them.
///
/// The pages are looked through one after the other, so neither hash functions nor the order of a tree matter, and
/// nothing in a damaged file can lead round in circles. Written from the layout of files, with `db_dump` as the
/// judge.
package struct BerkeleyDatabase: Sendable {
    package enum Failure: Error, Hashable, Sendable {
        case notADatabase
        /// Encrypted or with checksums, or with duplicates outside the page: nothing a map has.
        case unsupported(String)
        case damaged(page: Int)

        package var reason: String {
            switch self {
            case .notADatabase: "not a Berkeley DB file"
            case .unsupported(let what): "a Berkeley DB file with \(what), which is not read"
            case .damaged(let page): "a damaged Berkeley DB file, at page \(page)"
            }
        }
    }

    enum Layout: Hashable, Sendable {
        case hash, tree
        /// Hash of 1.85.
        case oldHash
    }

    static let hashMagic: UInt32 = 0x06_1561
    static let treeMagic: UInt32 = 0x05_3162
    /// Bytes of one key or value.
    static let maximumItem = 1 << 20

    let bytes: [UInt8]
    let layout: Layout
    /// Whether numbers begin with their little end.
    let isLittleEndian: Bool
    let pageSize: Int

    /// What a file is, by its first bytes; nil when it is none of Berkeley DB.
    package static func kind(of start: [UInt8]) -> String? {
        guard let (layout, isLittle, _) = recognize(start) else { return nil }
        switch layout {
        case .oldHash: return "a Berkeley DB 1.85 file (hash)"
        case .hash: return "a Berkeley DB file (hash, version \(number(start, 16, isLittle)))"
        case .tree: return "a Berkeley DB file (btree, version \(number(start, 16, isLittle)))"
        }
    }

    package init(_ bytes: [UInt8]) throws(Failure) {
        guard let (layout, isLittle, pageSize) = Self.recognize(bytes) else { throw .notADatabase }
        guard pageSize >= 64, pageSize <= 65_536, pageSize & (pageSize - 1) == 0, bytes.count >= pageSize else {
            throw .damaged(page: 0)
        }
        self.bytes = bytes
        self.layout = layout
        self.isLittleEndian = isLittle
        self.pageSize = pageSize
    }

    /// Every pair, without the NUL that ends strings in such maps. The entry by which Postfix and Sendmail mark their
    /// maps is left out.
    package func records() throws(Failure) -> [(key: [UInt8], value: [UInt8])] {
        let found = layout == .oldHash ? try oldRecords() : try pagedRecords()
        return found.map { (Self.withoutEnd($0.key), Self.withoutEnd($0.value)) }.filter { $0.key != Array("@".utf8) || $0.value != $0.key }
    }

    private static func withoutEnd(_ bytes: [UInt8]) -> [UInt8] { bytes.last == 0 ? Array(bytes.dropLast()) : bytes }

    private static func recognize(_ start: [UInt8]) -> (Layout, isLittle: Bool, pageSize: Int)? {
        guard start.count >= 72 else { return nil }
        // 1.85 writes its header with the big end first whatever the machine, and says in it how the rest is.
        if number(start, 0, false) == hashMagic {
            let order = number(start, 8, false)
            guard order == 1_234 || order == 4_321 else { return nil }
            return (.oldHash, order == 1_234, Int(number(start, 12, false)))
        }
        for isLittle in [true, false] {
            let magic = number(start, 12, isLittle)
            if magic == hashMagic { return (.hash, isLittle, Int(number(start, 20, isLittle))) }
            if magic == treeMagic { return (.tree, isLittle, Int(number(start, 20, isLittle))) }
        }
        return nil
    }

    static func number(_ bytes: [UInt8], _ offset: Int, _ isLittle: Bool) -> UInt32 {
        let part = bytes[offset..<offset + 4]
        return (isLittle ? Array(part.reversed()) : Array(part)).reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Of a place that is inside the file.
    func number(_ offset: Int) -> Int { Int(Self.number(bytes, offset, isLittleEndian)) }

    func short(_ offset: Int) -> Int {
        let (first, second) = (Int(bytes[offset]), Int(bytes[offset + 1]))
        return isLittleEndian ? second << 8 | first : first << 8 | second
    }
}

// Pages of the versions since 2.
extension BerkeleyDatabase {
    private enum PageKind {
        static let unsortedHash: UInt8 = 2
        static let treeLeaf: UInt8 = 5
        static let overflow: UInt8 = 7
        static let hash: UInt8 = 13
    }

    private enum ItemKind {
        static let data: UInt8 = 1
        static let duplicates: UInt8 = 2
        static let overflow: UInt8 = 3
        static let offPageDuplicates: UInt8 = 4
        static let deleted: UInt8 = 0x80
    }

    private static let pageHeader = 26

    private func pagedRecords() throws(Failure) -> [(key: [UInt8], value: [UInt8])] {
        guard bytes[24] == 0 else { throw .unsupported("encryption") }
        guard bytes[26] & 1 == 0 else { throw .unsupported("checksums") }
        var records: [(key: [UInt8], value: [UInt8])] = []
        for page in 1..<max(1, bytes.count / pageSize) {
            let kind = bytes[page * pageSize + 25]
            let items: [[UInt8]?]
            switch kind {
            case PageKind.hash, PageKind.unsortedHash: items = try hashItems(of: page)
            case PageKind.treeLeaf: items = try treeItems(of: page)
            default: continue
            }
            guard items.count.isMultiple(of: 2) else { throw .damaged(page: page) }
            for index in stride(from: 0, to: items.count, by: 2) {
                if let key = items[index], let value = items[index + 1] { records.append((key, value)) }
            }
        }
        return records
    }

    /// Where the items of a page begin, in the order of their numbers.
    private func offsets(of page: Int) throws(Failure) -> [Int] {
        let start = page * pageSize
        let count = short(start + 20)
        guard Self.pageHeader + 2 * count <= pageSize else { throw .damaged(page: page) }
        var offsets: [Int] = []
        for index in 0..<count {
            let offset = short(start + Self.pageHeader + 2 * index)
            guard offset >= Self.pageHeader + 2 * count, offset < pageSize else { throw .damaged(page: page) }
            offsets.append(offset)
        }
        return offsets
    }

    /// Items of a hash page follow one another from its end; each begins with its kind.
    private func hashItems(of page: Int) throws(Failure) -> [[UInt8]?] {
        var items: [[UInt8]?] = []
        var end = pageSize
        for offset in try offsets(of: page) {
            guard offset < end else { throw .damaged(page: page) }
            let place = page * pageSize + offset
            let length = end - offset
            end = offset
            switch bytes[place] {
            case ItemKind.data: items.append(Array(bytes[place + 1..<place + length]))
            case ItemKind.overflow:
                guard length >= 12 else { throw .damaged(page: page) }
                items.append(try overflow(number(place + 4), length: number(place + 8)))
            case ItemKind.duplicates, ItemKind.offPageDuplicates: throw .unsupported("several values for a key")
            default: throw .damaged(page: page)
            }
        }
        return items
    }

    /// Items of a leaf have their length before them; nil for one that is deleted.
    private func treeItems(of page: Int) throws(Failure) -> [[UInt8]?] {
        var items: [[UInt8]?] = []
        for offset in try offsets(of: page) {
            let place = page * pageSize + offset
            guard offset + 3 <= pageSize else { throw .damaged(page: page) }
            let kind = bytes[place + 2]
            if kind & ItemKind.deleted != 0 {
                items.append(nil)
                continue
            }
            switch kind {
            case ItemKind.data:
                let length = short(place)
                guard offset + 3 + length <= pageSize else { throw .damaged(page: page) }
                items.append(Array(bytes[place + 3..<place + 3 + length]))
            case ItemKind.overflow:
                guard offset + 12 <= pageSize else { throw .damaged(page: page) }
                items.append(try overflow(number(place + 4), length: number(place + 8)))
            case ItemKind.duplicates: throw .unsupported("several values for a key")
            default: throw .damaged(page: page)
            }
        }
        return items
    }

    /// An item of pages of its own.
    private func overflow(_ first: Int, length: Int) throws(Failure) -> [UInt8] {
        guard length <= Self.maximumItem else { throw .damaged(page: first) }
        var item: [UInt8] = []
        var page = first
        while item.count < length {
            guard page > 0, page < bytes.count / pageSize else { throw .damaged(page: page) }
            let start = page * pageSize
            let used = short(start + 22)
            guard bytes[start + 25] == PageKind.overflow, used > 0, used <= pageSize - Self.pageHeader else { throw .damaged(page: page) }
            item += bytes[start + Self.pageHeader..<start + Self.pageHeader + used]
            page = number(start + 16)
        }
        guard item.count == length else { throw .damaged(page: first) }
        return item
    }
}
