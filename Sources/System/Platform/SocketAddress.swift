import Glibc

/// Where a socket is or goes to: an internet address with a port, or a path.
package enum SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// Four octets in network order.
    case ipv4([UInt8], port: UInt16)
    /// Sixteen octets in network order; the scope is the interface of a link-local address, else 0.
    case ipv6([UInt8], port: UInt16, scope: UInt32)
    /// A Unix socket; empty for the unnamed end of a connection.
    case local(path: String)

    /// From the octets of an address, four or sixteen of them; nil for another number.
    package init?(octets: [UInt8], port: UInt16, scope: UInt32 = 0) {
        switch octets.count {
        case 4: self = .ipv4(octets, port: port)
        case 16: self = .ipv6(octets, port: port, scope: scope)
        default: return nil
        }
    }

    /// From a dotted IPv4 or a colon-separated IPv6 address without brackets; nil for anything else.
    package init?(numeric text: String, port: UInt16) {
        // The C library would stop at a NUL and take what stands before it.
        guard !text.utf8.contains(0) else { return nil }
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            self = .ipv4(withUnsafeBytes(of: &four) { Array($0) }, port: port)
            return
        }
        var sixteen = in6_addr()
        guard inet_pton(AF_INET6, text, &sixteen) == 1 else { return nil }
        self = .ipv6(withUnsafeBytes(of: &sixteen) { Array($0) }, port: port, scope: 0)
    }

    /// The octets of an internet address, empty for a path.
    package var octets: [UInt8] {
        switch self {
        case .ipv4(let octets, _), .ipv6(let octets, _, _): octets
        case .local: []
        }
    }

    /// 0 for a path.
    package var port: UInt16 {
        switch self {
        case .ipv4(_, let port), .ipv6(_, let port, _): port
        case .local: 0
        }
    }

    /// The address alone: `192.0.2.1`, `2001:db8::1`, `/run/socket`.
    package var host: String {
        switch self {
        case .ipv4(let octets, _): Self.text(AF_INET, octets)
        case .ipv6(let octets, _, _): Self.text(AF_INET6, octets)
        case .local(let path): path
        }
    }

    /// With the port: `192.0.2.1:25`, `[2001:db8::1]:25`.
    package var description: String {
        switch self {
        case .ipv4: "\(host):\(port)"
        case .ipv6: "[\(host)]:\(port)"
        case .local(let path): path.isEmpty ? "local" : path
        }
    }

    private static func text(_ family: CInt, _ octets: [UInt8]) -> String {
        var room = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        // The cases promise the right number of octets; a wrong one must not be read past its end.
        guard octets.count == (family == AF_INET ? 4 : 16),
            inet_ntop(family, octets, &room, socklen_t(room.count)) != nil
        else { return "invalid" }
        return room.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }
}

// MARK: The kernel's form

extension SocketAddress {
    /// The longest path of a Unix socket, in octets without the final NUL.
    package static let maximumPath = 107

    var family: CInt {
        switch self {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .local: AF_UNIX
        }
    }

    /// From what the kernel filled in; families other than ours become an unnamed local address.
    package init(_ storage: sockaddr_storage, length: socklen_t) {
        let bytes = withUnsafeBytes(of: storage) { Array($0) }
        // Offsets by struct sockaddr_in, sockaddr_in6 and sockaddr_un, which are the kernel's interface.
        let port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        switch CInt(storage.ss_family) {
        case AF_INET where length >= 8:
            self = .ipv4(Array(bytes[4..<8]), port: port)
        case AF_INET6 where length >= 28:
            let scope = bytes[24..<28].withUnsafeBytes { $0.loadUnaligned(as: UInt32.self) }
            self = .ipv6(Array(bytes[8..<24]), port: port, scope: scope)
        default:
            let end = min(Int(length), 2 + Self.maximumPath + 1, bytes.count)
            let path = end > 2 ? bytes[2..<end].prefix { $0 != 0 } : []
            self = .local(path: String(decoding: path, as: UTF8.self))
        }
    }

    /// Calls with the kernel's form of the address.
    ///
    /// - Throws: ENAMETOOLONG for a path that does not fit, EINVAL for a wrong number of octets or a NUL.
    package func withKernelForm<Result>(
        _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) throws(SystemError) -> Result {
        var storage = sockaddr_storage()
        let length = try fill(&storage)
        return withUnsafePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    private func fill(_ storage: inout sockaddr_storage) throws(SystemError) -> socklen_t {
        storage.ss_family = sa_family_t(family)
        var content: [UInt8] = [UInt8(port >> 8), UInt8(port & 0xFF)]
        switch self {
        case .ipv4(let octets, _):
            guard octets.count == 4 else { throw SystemError("address", code: EINVAL) }
            content += octets
            content += [UInt8](repeating: 0, count: 8)
        case .ipv6(let octets, _, let scope):
            guard octets.count == 16 else { throw SystemError("address", code: EINVAL) }
            content += [0, 0, 0, 0]
            content += octets
            content += withUnsafeBytes(of: scope) { Array($0) }
        case .local(let path):
            content = Array(path.utf8)
            guard content.count <= Self.maximumPath else { throw SystemError("address \(path)", code: ENAMETOOLONG) }
            guard !content.contains(0) else { throw SystemError("address", code: EINVAL) }
            content.append(0)
        }
        withUnsafeMutableBytes(of: &storage) { room in
            UnsafeMutableRawBufferPointer(rebasing: room[2...]).copyBytes(from: content)
        }
        return socklen_t(2 + content.count)
    }
}
