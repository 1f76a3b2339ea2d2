import Glibc
import Platform

/// Where an LMTP server listens: a Unix socket or a TCP port.
package enum LMTPDestination: Hashable, Sendable {
    case local(path: String)
    case internet(host: String, port: UInt16)

    /// The port of the reference where none is given.
    package static let defaultPort: UInt16 = 25

    /// Reads an absolute path, `host`, `host:port`, `[v6]` or `[v6]:port`; nil for anything else.
    package init?(_ text: String) {
        guard !text.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) || text.utf8.first == UInt8(ascii: "/") else { return nil }
        if text.utf8.first == UInt8(ascii: "/") {
            guard text.utf8.count <= SocketAddress.maximumPath, !text.utf8.contains(0) else { return nil }
            self = .local(path: text)
            return
        }
        let host: Substring
        let rest: Substring
        if text.utf8.first == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            rest = text[text.index(after: end)...]
        } else {
            let end = text.firstIndex(of: ":") ?? text.endIndex
            host = text[..<end]
            rest = text[end...]
        }
        guard !host.isEmpty else { return nil }
        if rest.isEmpty {
            self = .internet(host: String(host), port: Self.defaultPort)
            return
        }
        // UInt16 would take a sign.
        guard rest.first == ":", rest.dropFirst().utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = UInt16(rest.dropFirst()), port > 0
        else { return nil }
        self = .internet(host: String(host), port: port)
    }

    /// The addresses to try, in order. May wait for the resolver.
    ///
    /// - Throws: EHOSTUNREACH when the name has none, in the resolver's words.
    func addresses() throws(SystemError) -> [SocketAddress] {
        switch self {
        case .local(let path):
            return [.local(path: path)]
        case .internet(let host, let port):
            if let address = SocketAddress(numeric: host, port: port) { return [address] }
            var hints = addrinfo()
            hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
            var found: UnsafeMutablePointer<addrinfo>?
            let code = getaddrinfo(host, String(port), &hints, &found)
            guard code == 0 else {
                throw SystemError("look-up of \(host) (\(String(cString: gai_strerror(code))))", code: EHOSTUNREACH)
            }
            defer { freeaddrinfo(found) }
            var result: [SocketAddress] = []
            var next = found
            while let entry = next {
                if let address = SocketAddress(entry.pointee) { result.append(address) }
                next = entry.pointee.ai_next
            }
            return result
        }
    }
}

extension SocketAddress {
    /// The address of a resolver's entry; nil for one of another family.
    fileprivate init?(_ entry: addrinfo) {
        guard entry.ai_family == AF_INET || entry.ai_family == AF_INET6, let address = entry.ai_addr,
            Int(entry.ai_addrlen) <= MemoryLayout<sockaddr_storage>.size
        else { return nil }
        var storage = sockaddr_storage()
        withUnsafeMutableBytes(of: &storage) { room in
            room.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(entry.ai_addrlen)))
        }
        self.init(storage, length: entry.ai_addrlen)
    }
}
