import Glibc
import Platform
import Submission

/// The messages of an offline directory, as queue listings show them.
package enum OfflineListing {
    /// The lines of each message: one for each recipient, in the format of `show queue`.
    ///
    /// Users other than root may not look into the directory of the system; there is nothing to say of that. Who
    /// cannot read a file is not told of it, and neither is who finds something else in its place.
    package static func lines(in directory: String) -> [String] {
        guard let names = try? Files.list(directory) else { return [] }
        return names.filter { !$0.hasPrefix(".") }.compactMap { try? lines(directory + "/" + $0, $0) }
    }

    /// The id is the random part of the name.
    private static func lines(_ path: String, _ name: String) throws -> String {
        let file = try Files.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        let status = try Files.status(file)
        guard status.isRegular else { return "" }
        var beginning: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while beginning.count < OfflineMessage.longestPreamble {
            let count = try Files.readSome(file, into: &chunk)
            if count == 0 { break }
            beginning += chunk[..<count]
        }
        let envelope = try OfflineMessage(beginning: beginning, fileSize: status.size).envelope
        let id = name.split(separator: ".").last.map(String.init) ?? name
        let sender = envelope.sender.address?.text ?? "@"
        return envelope.recipients.map { recipient in
            let name = recipient.text
            return "\(id)|local|mta||\(sender)|\(name)|\(name)|\(status.modified.seconds)|0|0|0|offline||\n"
        }.joined()
    }
}
