import Glibc
import Platform
import Testing

/// A directory of its own for one test, with a private mode, removed afterwards.
final class ScratchDirectory {
    let path: String

    init() {
        var template = Array("/tmp/martlet-tables.XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    }

    deinit {
        for name in (try? Files.list(path)) ?? [] {
            let inside = "\(path)/\(name)"
            if unlink(inside) != 0 { rmdir(inside) }
        }
        rmdir(path)
    }

    @discardableResult
    func write(_ name: String, _ text: String, mode: mode_t = 0o600) throws -> String {
        let target = "\(path)/\(name)"
        let file = try Files.open(target, O_WRONLY | O_CREAT | O_TRUNC)
        try Files.writeAll(file, Array(text.utf8))
        chmod(target, mode)
        return target
    }
}
