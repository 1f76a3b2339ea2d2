import Platform

/// How names are looked up, as resolv.conf(5) says it.
package struct ResolverSettings: Hashable, Sendable {
    /// Whom to ask, in this order; at most ``maximumServers``.
    package var servers: [SocketAddress]
    /// What is put behind short names, in this order; at most ``maximumSearch``.
    package var search: [DNSName]
    /// A name with so many dots is tried as it is before ``search``.
    package var dots = 1
    /// How long one server has for one answer, in seconds.
    package var timeout = 5
    /// How often each server is asked.
    package var attempts = 2
    /// The servers take turns.
    package var rotates = false
    /// Questions go over TCP.
    package var usesTCP = false
    /// No question for IPv6 addresses is asked.
    package var skipsIPv6 = false
    /// A server's word that it has validated an answer is believed.
    package var trustsAuthenticity = false

    package static let maximumServers = 8
    package static let maximumSearch = 32
    /// The largest file that is read, in octets.
    package static let maximumFile = 64 << 10
    static let port: UInt16 = 53

    /// What holds without a file: a server on this machine.
    package init() {
        servers = [.ipv4([127, 0, 0, 1], port: Self.port)]
        search = []
    }

    /// Reads a file. A line that makes no sense is passed over, as every reader of this file does, since it is
    /// written for many: one that understands less must not end up without a resolver.
    ///
    /// - Parameter interface: The number of a network interface by its name, for link-local servers.
    package init(_ file: [UInt8], interface: (String) -> UInt32? = { UInt32($0) }) {
        self.init()
        var found: [SocketAddress] = []
        for line in file.prefix(Self.maximumFile).split(separator: UInt8(ascii: "\n")) {
            let words = Words(line)
            let values = words.list.dropFirst()
            switch words.list.first {
            case "nameserver":
                if let word = values.first, found.count < Self.maximumServers,
                    let server = Self.server(word, interface: interface)
                {
                    found.append(server)
                }
            // The last of both kinds holds.
            case "domain": search = values.prefix(1).compactMap { Self.name($0) }
            case "search": search = values.prefix(Self.maximumSearch).compactMap { Self.name($0) }
            case "options": for option in values { take(option) }
            default: break
            }
        }
        if !found.isEmpty { servers = found }
    }

    private static func name(_ word: String) -> DNSName? {
        let name = DNSName(Array(word.utf8))
        return name?.isRoot == true ? nil : name
    }

    private mutating func take(_ option: String) {
        let parts = option.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 {
            guard let number = Int(parts[1]), number >= 0 else { return }
            // The limits of resolv.conf(5); an attempt and a second there have to be.
            switch parts[0] {
            case "ndots": dots = min(number, 15)
            case "timeout": timeout = min(max(number, 1), 30)
            case "attempts": attempts = min(max(number, 1), 5)
            default: break
            }
            return
        }
        switch option {
        case "rotate": rotates = true
        case "use-vc", "usevc", "tcp": usesTCP = true
        case "no-aaaa": skipsIPv6 = true
        case "trust-ad": trustsAuthenticity = true
        // EDNS is always used.
        default: break
        }
    }

    /// `192.0.2.1`, `2001:db8::1`, `fe80::1%eth0`, and with a port as OpenBSD has it: `[192.0.2.1]:5353`.
    private static func server(_ word: String, interface: (String) -> UInt32?) -> SocketAddress? {
        var address = word[...]
        var port = Self.port
        if word.utf8.first == UInt8(ascii: "["), let end = word.lastIndex(of: "]") {
            address = word[word.index(after: word.startIndex)..<end]
            let rest = word[word.index(after: end)...]
            if !rest.isEmpty {
                guard rest.first == ":", let number = UInt16(rest.dropFirst()), number > 0 else { return nil }
                port = number
            }
        }
        guard let percent = address.firstIndex(of: "%") else { return SocketAddress(numeric: String(address), port: port) }
        guard let scope = interface(String(address[address.index(after: percent)...])),
            case .ipv6(let octets, _, _) = SocketAddress(numeric: String(address[..<percent]), port: port)
        else { return nil }
        return .ipv6(octets, port: port, scope: scope)
    }
}

/// The words of a line up to a comment, which `#` and `;` begin.
struct Words {
    let list: [String]

    init(_ line: ArraySlice<UInt8>) {
        let content = line.prefix { $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: ";") }
        list = content.split { $0 == 0x20 || (0x09...0x0D).contains($0) }.map { String(decoding: $0, as: UTF8.self) }
    }
}
