import Platform

/// Names and addresses that are known without asking anybody: hosts(5), and what this machine calls itself.
package struct HostsFile: Sendable {
    private var addresses: [DNSName: [[UInt8]]] = [:]
    private var names: [[UInt8]: [DNSName]] = [:]

    /// The largest file that is read, in octets.
    package static let maximumFile = 4 << 20

    /// Knows `localhost` only.
    package init() {}

    /// Reads a file; a line that makes no sense is passed over.
    package init(_ file: [UInt8]) {
        for line in file.prefix(Self.maximumFile).split(separator: UInt8(ascii: "\n")) {
            let words = Words(line).list
            guard let first = words.first, let address = SocketAddress(numeric: first, port: 0)?.octets else { continue }
            for word in words.dropFirst() {
                guard let name = DNSName(Array(word.utf8)), !name.isRoot else { continue }
                if addresses[name]?.contains(address) != true { addresses[name, default: []].append(address) }
                if names[address]?.contains(name) != true { names[address, default: []].append(name) }
            }
        }
    }

    /// The addresses of a host, four or sixteen octets each; nil when the file does not know it.
    ///
    /// `localhost` and what is below it is this machine, whoever says otherwise (RFC 6761 section 6.3).
    package func addresses(of name: DNSName) -> [[UInt8]]? {
        if let known = addresses[name] { return known }
        return name.isWithin(Self.localhost) ? [Self.loopback6, Self.loopback4] : nil
    }

    /// The names of an address, the proper one first; nil when the file does not know it.
    package func names(of address: [UInt8]) -> [DNSName]? {
        if let known = names[address] { return known }
        return address == Self.loopback6 || (address.count == 4 && address[0] == 127) ? [Self.localhost] : nil
    }

    private static let localhost = DNSName(checkedWire: [9] + Array("localhost".utf8) + [0])
    private static let loopback4: [UInt8] = [127, 0, 0, 1]
    private static let loopback6: [UInt8] = [UInt8](repeating: 0, count: 15) + [1]
}
