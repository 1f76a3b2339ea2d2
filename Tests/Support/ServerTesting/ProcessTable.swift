import Glibc
import Platform

/// What /proc says of processes.
package enum ProcessTable {
    /// One process; the start time tells it from a later one with the same number.
    package struct Entry: Hashable, Sendable {
        package let id: pid_t
        package let parent: pid_t
        package let startTime: String
        /// The arguments, or the title a process gave itself, as `ps` shows them.
        package let title: String
    }

    package static func entry(_ id: pid_t) -> Entry? {
        guard let status = try? Files.read("/proc/\(id)/stat", limit: 4096),
            let end = status.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        // The name in parentheses may hold anything; what follows it is words.
        let words = String(decoding: status[(end + 1)...], as: UTF8.self).split(separator: " ")
        // A zombie is gone in every way but one.
        guard words.count > 19, words[0] != "Z", let parent = pid_t(words[1]) else { return nil }
        let arguments = (try? Files.read("/proc/\(id)/cmdline", limit: 1 << 20)) ?? []
        let title = arguments.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
        return Entry(id: id, parent: parent, startTime: String(words[19]), title: title)
    }

    package static func isAlive(_ entry: Entry) -> Bool {
        self.entry(entry.id)?.startTime == entry.startTime
    }

    /// A process and all that came from it and still has a living parent.
    package static func tree(of root: pid_t) -> [Entry] {
        let all = ((try? Files.list("/proc")) ?? []).compactMap { pid_t($0).flatMap(entry) }
        var found = all.filter { $0.id == root }
        var next = 0
        while next < found.count {
            found += all.filter { $0.parent == found[next].id }
            next += 1
        }
        return found
    }

    /// The threads of a process; 0 when it is gone.
    package static func threadCount(_ id: pid_t) -> Int { ((try? Files.list("/proc/\(id)/task")) ?? []).count }

    /// A field of /proc/PID/status, trimmed.
    package static func status(_ id: pid_t, _ field: String) -> String? {
        guard let text = try? Files.read("/proc/\(id)/status", limit: 1 << 20) else { return nil }
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") where line.hasPrefix(field + ":") {
            return String(line.dropFirst(field.count + 1).drop { $0 == " " || $0 == "\t" })
        }
        return nil
    }
}
