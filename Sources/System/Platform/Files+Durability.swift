import CPlatform
import Glibc

/// Putting several files on stable storage at once.
extension Files {
    /// Starts writing a file's dirty pages to the disk without waiting; promises nothing.
    package static func startWriteback(_ file: borrowing OwnedDescriptor) throws(SystemError) {
        let raw = file.raw
        _ = try checked("sync_file_range") { martlet_start_writeback(raw) }
    }

    /// `fsync` of each, up to 16 at a time, for the disk then flushes its cache once for several; on a busy
    /// disk that makes tens of times as many files a second. Threads do it, which end before this returns.
    ///
    /// - Parameter descriptors: Borrowed.
    /// - Returns: Nil for each that is on stable storage.
    package static func sync(all descriptors: [CInt]) -> [SystemError?] {
        var codes = [CInt](repeating: 0, count: descriptors.count)
        martlet_sync_all(descriptors, &codes, descriptors.count)
        return codes.map { $0 == 0 ? nil : SystemError("fsync", code: $0) }
    }
}
