import Glibc

/// The package this test belongs to, as it lies on the disk.
enum PackageTree {
    /// The package's root, found from the place of this file.
    static let root: String = {
        let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        return parts.joined(separator: "/")
    }()

    /// All files below some folders, hidden ones left out, with paths from the root.
    static func files(in folders: [String]) -> [Checker.File] {
        folders.flatMap(files(in:))
    }

    private static func files(in folder: String) -> [Checker.File] {
        guard let directory = opendir("\(root)/\(folder)") else { return [] }
        defer { closedir(directory) }
        var result: [Checker.File] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                // The name ends with a zero octet within the array (readdir(3)).
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard !name.hasPrefix(".") else { continue }
            let path = "\(folder)/\(name)"
            if entry.pointee.d_type == DT_DIR {
                result += files(in: path)
            } else if path.hasSuffix(".swift"), let text = text(of: path) {
                result.append(Checker.File(path, text))
            }
        }
        return result
    }

    /// The content of a file, nil when it cannot be read.
    static func text(of path: String) -> String? {
        let descriptor = open("\(root)/\(path)", O_RDONLY)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return count == 0 ? String(decoding: bytes, as: UTF8.self) : nil }
            bytes += buffer[..<count]
        }
    }
}
