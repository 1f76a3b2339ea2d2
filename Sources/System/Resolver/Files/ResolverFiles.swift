import Glibc
import Platform

/// The files that say how to look names up, read anew when they change.
package final class ResolverFiles {
    private let settingsPath: String
    private let hostsPath: String
    private var settingsStamp: FileStamp?
    private var hostsStamp: FileStamp?

    /// What resolv.conf says.
    package private(set) var settings = ResolverSettings()
    /// What hosts says.
    package private(set) var hosts = HostsFile()

    /// Reads both. A file that is not there, or cannot be read, is taken for an empty one.
    package init(settings: String = "/etc/resolv.conf", hosts: String = "/etc/hosts") {
        settingsPath = settings
        hostsPath = hosts
        refresh()
    }

    /// Reads what has changed.
    ///
    /// - Returns: Whether the settings are others than before.
    @discardableResult
    package func refresh() -> Bool {
        if let content = Self.changed(hostsPath, &hostsStamp, limit: HostsFile.maximumFile) { hosts = HostsFile(content) }
        guard let content = Self.changed(settingsPath, &settingsStamp, limit: ResolverSettings.maximumFile) else {
            return false
        }
        let before = settings
        settings = ResolverSettings(content) { name in
            let index = if_nametoindex(name)
            return index > 0 ? index : UInt32(name)
        }
        return settings != before
    }

    /// The content of a file that is not the one of the stamp; nil when it is.
    private static func changed(_ path: String, _ stamp: inout FileStamp?, limit: Int) -> [UInt8]? {
        do throws(SystemError) {
            // Non-blocking, so that a FIFO in its place does not stop the process.
            let file = try Files.open(path, O_RDONLY | O_NONBLOCK)
            let now = FileStamp(try Files.status(file))
            if now == stamp { return nil }
            let content = try Files.readToEnd(file, limit: limit)
            stamp = now
            return content
        } catch {
            // Missing, too large or unreadable: the same as an empty one, and looked at again the next time.
            defer { stamp = nil }
            return stamp == nil ? nil : []
        }
    }
}
