import Platform

/// The files of this repository, as they lie on the disk.
enum Repository {
    /// The root, found from the place of this file.
    static let root: String =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")

    static func text(of path: String) throws -> String {
        String(decoding: try Files.read("\(root)/\(path)"), as: UTF8.self)
    }

    static func exists(_ path: String) throws -> Bool {
        try Files.status("\(root)/\(path)") != nil
    }

    /// The names in a folder, sorted.
    static func names(in folder: String) throws -> [String] {
        try Files.list("\(root)/\(folder)").sorted()
    }

    static func page(_ name: String) throws -> ManualPage {
        ManualPage(try text(of: "man/\(name)"))
    }
}
