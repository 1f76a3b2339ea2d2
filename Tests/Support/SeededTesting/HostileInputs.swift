import Glibc

/// Small inputs that once were, or could have been, trouble for a parser: one file each in Tests/Corpora/NAME.
///
/// They are kept beside the seeded generators, which may never come upon them again. What fails once is put here.
package enum HostileInputs {
    /// The inputs in order of their names; empty when there is no such folder, which a test should take for a failure.
    package static func all(_ name: String) -> [(name: String, bytes: [UInt8])] {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        let folder = "\(root)/Corpora/\(name)"
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            // The name ends with a NUL within the entry.
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted().map { ($0, content("\(folder)/\($0)")) }
    }

    private static func content(_ path: String) -> [UInt8] {
        guard let file = fopen(path, "r") else { return [] }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = getc(file), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
        return bytes
    }

    /// The input, its beginnings of every length up to 512, and copies of it with one byte put elsewhere.
    package static func variants(of bytes: [UInt8]) -> [[UInt8]] {
        var result = [bytes] + (0..<min(bytes.count, 512)).map { Array(bytes[..<$0]) }
        guard !bytes.isEmpty else { return result }
        var generator = SplitMix64(seed: UInt64(bytes.count))
        for _ in 0..<100 {
            var copy = bytes
            copy[generator.next(below: copy.count)] = bytes[generator.next(below: bytes.count)]
            result.append(copy)
        }
        return result
    }
}
