/// A Swift source as the checker sees it: without comments and the contents of strings, line by line.
struct SwiftText {
    /// The lines as written.
    let lines: [String]
    /// The same lines with comments and contents of strings as blanks.
    let code: [String]

    init(_ text: String) {
        var blanking = Blanking(Array(text.utf8))
        lines = Self.split(Array(text.utf8))
        code = Self.split(blanking.run())
    }

    /// The modules imported, with the number of the line, counted from 1.
    var imports: [(module: String, line: Int)] {
        var result: [(module: String, line: Int)] = []
        for (number, line) in code.enumerated() {
            var words = line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == ";" }).map(String.init)
            while let first = words.first, first.hasPrefix("@") || Self.accessLevels.contains(first) { words.removeFirst() }
            guard words.first == "import", words.count > 1 else { continue }
            let name = Self.importKinds.contains(words[1]) && words.count > 2 ? words[2] : words[1]
            result.append((String(name.prefix { $0 != "." }), number + 1))
        }
        return result
    }

    private static let accessLevels: Set<String> = ["public", "package", "internal", "fileprivate", "private"]
    private static let importKinds: Set<String> = [
        "struct", "class", "enum", "protocol", "func", "var", "let", "typealias", "actor",
    ]

    private static func split(_ bytes: [UInt8]) -> [String] {
        bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// Replaces comments and contents of strings by blanks; line ends stay, so that line numbers do.
private struct Blanking {
    private let bytes: [UInt8]
    private var position = 0
    private var result: [UInt8] = []

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func run() -> [UInt8] {
        result.reserveCapacity(bytes.count)
        while position < bytes.count {
            if starts("//") {
                while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { blank() }
            } else if starts("/*") {
                blockComment()
            } else if bytes[position] == UInt8(ascii: "\"") || startsRawString {
                string()
            } else {
                result.append(bytes[position])
                position += 1
            }
        }
        return result
    }

    private func starts(_ text: StaticString, at offset: Int = 0) -> Bool {
        let start = position + offset
        guard start + text.utf8CodeUnitCount <= bytes.count else { return false }
        return text.withUTF8Buffer { bytes[start..<(start + $0.count)].elementsEqual($0) }
    }

    private var startsRawString: Bool {
        guard bytes[position] == UInt8(ascii: "#") else { return false }
        return bytes[position...].first { $0 != UInt8(ascii: "#") } == UInt8(ascii: "\"")
    }

    private mutating func blank(_ count: Int = 1) {
        for _ in 0..<count where position < bytes.count {
            result.append(bytes[position] == UInt8(ascii: "\n") ? UInt8(ascii: "\n") : UInt8(ascii: " "))
            position += 1
        }
    }

    private mutating func blockComment() {
        var depth = 0
        repeat {
            if starts("/*") {
                depth += 1
                blank(2)
            } else if starts("*/") {
                depth -= 1
                blank(2)
            } else {
                blank()
            }
        } while depth > 0 && position < bytes.count
    }

    /// A string with its quotes kept as `""`; interpolations are taken as contents.
    private mutating func string() {
        var hashes = 0
        while position < bytes.count, bytes[position] == UInt8(ascii: "#") {
            hashes += 1
            blank()
        }
        let quotes = starts("\"\"\"") ? 3 : 1
        result.append(UInt8(ascii: "\""))
        position += 1
        blank(quotes - 1)
        while position < bytes.count {
            if bytes[position] == UInt8(ascii: "\\"), follows(hashes, after: 1) {
                blank(1 + hashes)
                if position < bytes.count, bytes[position] == UInt8(ascii: "(") { interpolation() } else { blank() }
            } else if quotes == 3 ? starts("\"\"\"") : bytes[position] == UInt8(ascii: "\""), follows(hashes, after: quotes) {
                blank(quotes - 1 + hashes)
                result.append(UInt8(ascii: "\""))
                position += 1
                return
            } else if quotes == 1, bytes[position] == UInt8(ascii: "\n") {
                // Not a string after all, such as a quote in a regex literal: go on as code.
                return
            } else {
                blank()
            }
        }
    }

    /// True when that many `#` stand some bytes ahead.
    private func follows(_ hashes: Int, after offset: Int) -> Bool {
        let start = position + offset
        guard start + hashes <= bytes.count else { return false }
        return bytes[start..<(start + hashes)].allSatisfy { $0 == UInt8(ascii: "#") }
    }

    private mutating func interpolation() {
        var depth = 0
        repeat {
            if bytes[position] == UInt8(ascii: "\"") {
                let before = result.count
                string()
                for place in before..<result.count where result[place] == UInt8(ascii: "\"") { result[place] = UInt8(ascii: " ") }
                continue
            }
            if bytes[position] == UInt8(ascii: "(") { depth += 1 }
            if bytes[position] == UInt8(ascii: ")") { depth -= 1 }
            blank()
        } while depth > 0 && position < bytes.count
    }
}
