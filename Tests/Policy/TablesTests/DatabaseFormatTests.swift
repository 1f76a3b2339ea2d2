import SeededTesting
import Testing

@testable import Tables

private func source(_ bytes: [UInt8]) -> ConstantDatabaseReader.Source {
    { offset, count in Array(bytes[min(offset, bytes.count)..<min(offset + count, bytes.count)]) }
}

private func reader(_ bytes: [UInt8]) throws -> ConstantDatabaseReader {
    try ConstantDatabaseReader(size: bytes.count, source(bytes))
}

@Suite("Constant databases (the public cdb format)") struct ConstantDatabaseTests {
    /// The one record `one` to `Hello`, as the program cdb of its inventor's package writes it: the record at 2048,
    /// and two slots for its hash, of which the second is meant for it.
    @Test func `the bytes of a file are those of the format`() throws {
        let bytes = try #require(ConstantDatabase.file([(Array("one".utf8), Array("Hello".utf8))]))
        #expect(bytes.count == 2_048 + 16 + 16)
        #expect(Array(bytes[2_048..<2_064]) == [3, 0, 0, 0, 5, 0, 0, 0] + Array("oneHello".utf8))
        let hash = ConstantDatabase.hash(Array("one".utf8))
        #expect(hash == (((5_381 &* 33) ^ 111) &* 33 ^ 110) &* 33 ^ 101)
        let table = Int(hash & 255)
        #expect(Array(bytes[table * 8..<table * 8 + 8]) == [0x10, 8, 0, 0, 2, 0, 0, 0])
    }

    @Test(arguments: [0, 1, 2, 255, 256, 1_000, 20_000])
    func `every key is found again, and no other`(_ count: Int) throws {
        let records = (0..<count).map { (key: Array("key\($0)".utf8), value: Array("value \($0)".utf8)) }
        let bytes = try #require(ConstantDatabase.file(records))
        let reader = try reader(bytes)
        for record in records { #expect(try reader.value(of: record.key, source(bytes)) == record.value) }
        for number in count..<count + 100 { #expect(try reader.value(of: Array("key\(number)".utf8), source(bytes)) == nil) }
        let all = try reader.records(limit: .max, source(bytes))
        #expect(all.elementsEqual(records) { $0.key == $1.key && $0.value == $1.value })
    }

    @Test func `an empty key and an empty value are records`() throws {
        let bytes = try #require(ConstantDatabase.file([([], []), ([0], [1])]))
        #expect(try reader(bytes).value(of: [], source(bytes)) == [])
    }

    @Test func `what is no database is refused`() {
        for bytes in [[], [UInt8](repeating: 0, count: 2_047), [UInt8](repeating: 0, count: 2_048), Array(String(repeating: "a: b\n", count: 1_000).utf8)] {
            #expect(throws: ConstantDatabase.Failure.notADatabase) { try reader(bytes) }
        }
    }

    @Test func `thousands of damaged files neither trap nor hang`() throws {
        let good = try #require(ConstantDatabase.file((0..<20).map { (Array("key\($0)".utf8), Array("v".utf8)) }))
        var random = SplitMix64(seed: 5)
        for _ in 0..<3_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) { bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random))) }
            guard let reader = try? reader(bytes) else { continue }
            for number in 0..<20 { _ = try? reader.value(of: Array("key\(number)".utf8), source(bytes)) }
            _ = try? reader.records(limit: .max, source(bytes))
        }
    }

    @Test func `a hash table without a free slot does not hold a look-up for ever`() throws {
        var bytes = [UInt8](repeating: 0, count: 2_048)
        let slots = 50_000
        for table in 0..<256 {
            bytes.replaceSubrange(table * 8..<table * 8 + 8, with: [0, 8, 0, 0, UInt8(slots & 255), UInt8(slots >> 8), 0, 0])
        }
        bytes += [UInt8](repeating: 1, count: slots * 8)
        #expect(throws: ConstantDatabase.Failure.damaged) { try reader(bytes).value(of: [1], source(bytes)) }
    }
}

@Suite("Hash files of Berkeley DB 1.85, read as a whole") struct OldHashFileTests {
    private static let pageSize = 256

    /// Three buckets; the last goes on in a page of overflow, which stands before the third bucket. The layout is that
    /// of files that were made with the library.
    private static func file(isLittle: Bool = true, _ buckets: [[(String, String)]], overflow: [(String, String)]) -> [UInt8] {
        var header = [UInt32](repeating: 0, count: 49)
        header.replaceSubrange(0..<4, with: [0x06_1561, 2, isLittle ? 1_234 : 4_321, UInt32(pageSize)])
        header[10] = UInt32(buckets.count - 1)
        header[15] = 2
        // One page of overflow before the doubling to four.
        for index in 18..<49 { header[index] = 1 }
        var bytes = header.flatMap { number in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) } }
        bytes += [UInt8](repeating: 0, count: 2 * pageSize - bytes.count)
        func page(_ pairs: [(String, String)], next: UInt16?) -> [UInt8] {
            var page = [UInt8](repeating: 0, count: pageSize)
            var numbers: [UInt16] = []
            var end = pageSize
            for (key, value) in pairs {
                for item in [key, value] {
                    let octets = Array(item.utf8) + [0]
                    end -= octets.count
                    page.replaceSubrange(end..<end + octets.count, with: octets)
                    numbers.append(UInt16(end))
                }
            }
            if let next { numbers += [next, 0] }
            for (index, number) in ([UInt16(numbers.count)] + numbers).enumerated() {
                let (low, high) = (UInt8(number & 255), UInt8(number >> 8))
                page.replaceSubrange(index * 2..<index * 2 + 2, with: isLittle ? [low, high] : [high, low])
            }
            return page
        }
        let last = buckets.count - 1
        for (number, bucket) in buckets.enumerated() where number < 2 {
            bytes += page(bucket, next: number == last ? 1 << 11 | 1 : nil)
        }
        bytes += page(overflow, next: nil)
        for (number, bucket) in buckets.enumerated() where number >= 2 {
            bytes += page(bucket, next: number == last ? 1 << 11 | 1 : nil)
        }
        return bytes
    }

    private static let sample: [[(String, String)]] = [[("a", "1"), ("b", "2")], [], [("c", "3")]]

    @Test(arguments: [true, false])
    func `buckets and their pages of overflow are followed, in either byte order`(_ isLittle: Bool) throws {
        let bytes = Self.file(isLittle: isLittle, Self.sample, overflow: [("d", "4")])
        #expect(BerkeleyDatabase.kind(of: bytes) == "a Berkeley DB 1.85 file (hash)")
        let records = try BerkeleyDatabase(bytes).records()
        #expect(records.map { String(decoding: $0.key, as: UTF8.self) } == ["a", "b", "c", "d"])
        #expect(records.map { String(decoding: $0.value, as: UTF8.self) } == ["1", "2", "3", "4"])
    }

    @Test func `thousands of damaged files neither trap nor hang`() {
        var random = SplitMix64(seed: 11)
        for _ in 0..<5_000 {
            var bytes = Self.file(Self.sample, overflow: [("d", "4")])
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) { bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random))) }
            _ = try? BerkeleyDatabase(bytes).records()
        }
    }
}

@Suite("Sources of maps (makemap(8))") struct MapSourceTests {
    private func read(_ text: String, _ kind: MapSource.Kind) -> MapSource { MapSource(Array(text.utf8), kind) }

    @Test func `a key and a value in each line`() {
        let map = read("# comment\nAda: x y\ngrace\tz\n\n", .mapping)
        #expect(map.problems == [])
        #expect(map.records.map { String(decoding: $0.key, as: UTF8.self) } == ["ada", "grace"])
        #expect(map.records.map { String(decoding: $0.value, as: UTF8.self) } == ["x y", "z"])
    }

    @Test func `a set has keys only`() {
        let map = read("example.org\n*.example.net\n", .set)
        #expect(map.elements == [TableElement(key: "example.org", value: "<set>"), TableElement(key: "*.example.net", value: "<set>")])
    }

    @Test func `mistakes are named by line, doubles among them`() {
        let map = read("a: b\nlone\n: x\nA: c\n", .mapping)
        #expect(map.problems.map(\.line) == [2, 3, 4])
        #expect(map.problems.last?.reason == "duplicate entry for A")
    }

    @Test func `aliases are checked as aliases are`() {
        let map = read("root: ada,\n  grace\nbad: \"x\nroot: x\n", .aliases)
        #expect(map.elements.first == TableElement(key: "root", value: "ada, grace"))
        #expect(Set(map.problems.map(\.line)) == [3, 4])
    }
}

@Suite("Passwd files (table(5), type passwd)") struct PasswdFileTests {
    private let file = PasswdFile(
        Array("""
            # users
            Ada:$2b$10$abc:1000:1001:Ada L:/home/ada:/bin/sh:userdb_quota=1G:more
            bob:{PLAIN}secret
            eve:!$6$x:1002:1002::/home/eve:
            none::1003:1003::/home/none:

            """.utf8))

    private func ask(_ service: TableService, _ key: String, _ operation: TableQuery.Operation = .lookup) -> TableAnswer {
        file.answer(TableQuery(table: "t", service: service, operation: operation, key: key))
    }

    @Test func `columns behind the shell are not looked at`() {
        #expect(file.errors == [])
        #expect(ask(.credentials, "ada") == .found("Ada:$2b$10$abc"))
        #expect(ask(.userinfo, "ADA") == .found("1000:1001:/home/ada"))
        #expect(ask(.userinfo, "nobody") == .notFound)
        #expect(ask(.userinfo, "ada", .match) == .found("Ada"))
    }

    @Test func `fields may be missing`() {
        #expect(ask(.credentials, "bob") == .found("bob:{PLAIN}secret"))
        #expect(ask(.userinfo, "bob") == .failed("no uid, gid or home of bob"))
    }

    @Test func `an account that is locked or has no password has no credentials`() {
        #expect(ask(.credentials, "eve") == .notFound)
        #expect(ask(.credentials, "none") == .notFound)
        #expect(ask(.userinfo, "eve") == .found("1002:1002:/home/eve"))
    }

    @Test func `other services are not served`() {
        #expect(ask(.alias, "ada") == .failed("a passwd file serves credentials and userinfo"))
        #expect(ask(.userinfo, "", .fetch) == .failed("a passwd file serves credentials and userinfo"))
    }

    @Test(arguments: ["lone", ":x", "a:x:ten:1::/h", "a:x:1:-1::/h", "a:x:4294967295:1::/h", "a:x:1:1::h", "a\u{0}:x"])
    func `a malformed line spoils the file`(_ line: String) {
        #expect(PasswdFile(Array("b:x\n\(line)\n".utf8)).errors.map(\.line) == [2])
    }
}

@Suite("Answers that are used again (table ... cache)") struct TableCacheTests {
    private let query = TableQuery(table: "t", service: .alias, operation: .lookup, key: "ada")

    @Test func `for as long as was said`() {
        var cache = TableCache(seconds: 10)
        cache.note(.found("x"), to: query, at: .zero)
        #expect(cache.answer(query, at: .milliseconds(9_999)) == .found("x"))
        #expect(cache.answer(query, at: .seconds(10)) == nil)
    }

    @Test func `never a failure, a fetch, or a password`() {
        var cache = TableCache(seconds: 10)
        cache.note(.failed("no"), to: query, at: .zero)
        let auth = TableQuery(table: "t", service: .auth, operation: .match, key: "ada:secret")
        cache.note(.found("x"), to: auth, at: .zero)
        let fetch = TableQuery(table: "t", service: .source, operation: .fetch, key: "")
        cache.note(.found("x"), to: fetch, at: .zero)
        for question in [query, auth, fetch] { #expect(cache.answer(question, at: .zero) == nil) }
    }

    @Test func `a table asked for thousands of keys costs bounded memory, and what is asked for often stays`() {
        var cache = TableCache(seconds: 1_000)
        func other(_ number: Int) -> TableQuery { TableQuery(table: "t", service: .alias, operation: .lookup, key: "k\(number)") }
        cache.note(.notFound, to: query, at: .zero)
        for number in 0..<5 * TableCache.maximumEntries {
            cache.note(.notFound, to: other(number), at: .zero)
            if number.isMultiple(of: 100) { #expect(cache.answer(query, at: .zero) == .notFound) }
        }
        #expect(cache.answer(other(0), at: .zero) == nil)
    }
}

@Suite("All elements of a table that gives one at a time") struct FetchRoundTests {
    @Test func `the first that comes again ends the round`() {
        var round = FetchRound(limit: 10)
        #expect(round.answer(.found("b")) == .fetch)
        #expect(round.answer(.found("c")) == .fetch)
        #expect(round.answer(.found("a")) == .fetch)
        #expect(round.answer(.found("b")) == .finished(["b", "c", "a"]))
    }

    @Test func `an empty table, one that fails, and one that does not end`() {
        var round = FetchRound(limit: 2)
        #expect(round.answer(.notFound) == .finished([]))
        #expect(round.answer(.failed("no")) == .failed("no"))
        #expect(round.answer(.found("a")) == .fetch)
        #expect(round.answer(.found("b")) == .finished(["a", "b"]))
    }
}
