import Glibc

/// Groups of interfaces: each interface is in one (ip-link(8), `group`), and a file gives the numbers names.
package enum InterfaceGroups {
    /// Where names are, the administrator's first.
    private static let nameFiles = ["/etc/iproute2/group", "/usr/share/iproute2/group"]
    private static let interfaces = "/sys/class/net"

    /// The interfaces in a group, sorted; nil when the group has no such name.
    package static func members(of name: String) throws(SystemError) -> [String]? {
        for path in nameFiles {
            do throws(SystemError) {
                guard let number = number(of: name, in: try Files.read(path)) else { continue }
                return try members(of: number)
            } catch where error.isMissing {
                continue
            }
        }
        return nil
    }

    /// The number that a file of lines `NUMBER NAME` has for a name; `#` begins a comment. The number may be written
    /// with `0x`.
    package static func number(of name: String, in file: [UInt8]) -> UInt32? {
        for line in file.split(separator: UInt8(ascii: "\n")) {
            let words = line.prefix { $0 != UInt8(ascii: "#") }.split { $0 == 0x20 || $0 == 0x09 }
                .map { String(decoding: $0, as: UTF8.self) }
            guard words.count == 2, words[1] == name else { continue }
            let number = words[0].hasPrefix("0x") ? UInt32(words[0].dropFirst(2), radix: 16) : UInt32(words[0])
            if let number { return number }
        }
        return nil
    }

    private static func members(of number: UInt32) throws(SystemError) -> [String] {
        var members: [String] = []
        for name in try Files.list(interfaces) {
            let content: [UInt8]
            do throws(SystemError) {
                content = try Files.read("\(interfaces)/\(name)/netdev_group")
            } catch {
                // Gone meanwhile, or no interface but a file that drivers put there.
                continue
            }
            let text = String(decoding: content.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
            if UInt32(text) == number { members.append(name) }
        }
        return members.sorted()
    }
}
