// Hash files of Berkeley DB 1.85, which makemap of OpenBSD writes.
extension BerkeleyDatabase {
    /// The header, whose numbers have the big end first.
    private struct OldHeader {
        let maximumBucket: Int
        let headerPages: Int
        /// Pages of overflow before each doubling.
        let spares: [Int]

        init(_ bytes: [UInt8]) {
            func number(_ index: Int) -> Int { Int(BerkeleyDatabase.number(bytes, index * 4, false)) }
            maximumBucket = number(10)
            headerPages = number(15)
            spares = (17..<49).map(number)
        }

        /// The page of a bucket: buckets and pages of overflow alternate, each time twice as many buckets.
        func page(ofBucket bucket: Int) -> Int {
            bucket + headerPages + (bucket == 0 ? 0 : spares[Self.exponent(bucket + 1) - 1])
        }

        /// The page of an overflow address, which says the doubling and the number in it.
        func page(ofOverflow address: Int) -> Int {
            page(ofBucket: (1 << (address >> 11)) - 1) + (address & 0x7FF)
        }

        /// The least power of two that is not below a number.
        private static func exponent(_ number: Int) -> Int {
            var exponent = 0
            while 1 << exponent < number { exponent += 1 }
            return exponent
        }
    }

    /// In place of a length: the key or value goes on elsewhere.
    private enum Mark {
        static let overflowPage = 0
        static let partialKey = 1
        static let fullKey = 2
        static let fullKeyAndData = 3
        static let firstOffset = 4
    }

    func oldRecords() throws(Failure) -> [(key: [UInt8], value: [UInt8])] {
        // 260 bytes of header in all; the marks of overflow pages in use follow, and tell nothing that is needed.
        guard bytes.count >= 260 else { throw .damaged(page: 0) }
        let header = OldHeader(bytes)
        let pages = bytes.count / pageSize
        guard header.headerPages >= 1, header.maximumBucket < pages, header.spares.allSatisfy({ $0 <= pages }) else {
            throw .damaged(page: 0)
        }
        var records: [(key: [UInt8], value: [UInt8])] = []
        // Each page is visited once in a file that is sound.
        var left = pages
        for bucket in 0...header.maximumBucket {
            var next: Int? = header.page(ofBucket: bucket)
            while let page = next {
                left -= 1
                guard left >= 0 else { throw .damaged(page: page) }
                next = try takeOldPage(page, header, into: &records)
            }
        }
        return records
    }

    /// Takes the pairs of a page.
    ///
    /// - Returns: The page that its bucket goes on in.
    private func takeOldPage(
        _ page: Int, _ header: OldHeader, into records: inout [(key: [UInt8], value: [UInt8])]
    ) throws(Failure) -> Int? {
        guard page > 0, page < bytes.count / pageSize else {
            // A bucket that was never written has no page at the end of the file.
            if page == bytes.count / pageSize { return nil }
            throw .damaged(page: page)
        }
        let start = page * pageSize
        let count = short(start)
        guard count.isMultiple(of: 2), 2 * (count + 1) <= pageSize else { throw .damaged(page: page) }
        var end = pageSize
        var index = 1
        while index < count {
            let (key, value) = (short(start + 2 * index), short(start + 2 * index + 2))
            if value == Mark.overflowPage {
                guard index == count - 1, address(key) else { throw .damaged(page: page) }
                return header.page(ofOverflow: key)
            }
            if value < Mark.firstOffset { throw .unsupported("keys or values longer than a page") }
            guard key <= end, value <= key, value >= 2 * (count + 1) else { throw .damaged(page: page) }
            records.append((Array(bytes[start + key..<start + end]), Array(bytes[start + value..<start + key])))
            end = value
            index += 2
        }
        return nil
    }

    /// Whether an overflow address can be one.
    private func address(_ value: Int) -> Bool { value >> 11 < 32 && value & 0x7FF > 0 }
}
