import Glibc

/// An internet address of an interface.
package struct InterfaceAddress: Hashable, Sendable {
    /// Its name, such as `eth0`.
    package let interface: String
    /// With port 0.
    package let address: SocketAddress
    /// Switched on by the administrator.
    package let isUp: Bool
    /// Reaches this machine only.
    package let isLoopback: Bool
}

/// The machine's interfaces, as they are now.
package enum NetworkInterfaces {
    /// Every IPv4 and IPv6 address in the kernel's order.
    package static func addresses() throws(SystemError) -> [InterfaceAddress] {
        var first: UnsafeMutablePointer<ifaddrs>?
        _ = try checked("getifaddrs") { getifaddrs(&first) }
        defer { freeifaddrs(first) }
        var result: [InterfaceAddress] = []
        var next = first
        while let entry = next?.pointee {
            next = entry.ifa_next
            guard let address = entry.ifa_addr, let length = length(of: CInt(address.pointee.sa_family)) else { continue }
            var storage = sockaddr_storage()
            withUnsafeMutableBytes(of: &storage) { room in
                room.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(length)))
            }
            let flags = CInt(bitPattern: entry.ifa_flags)
            result.append(
                InterfaceAddress(
                    interface: String(cString: entry.ifa_name), address: SocketAddress(storage, length: length),
                    isUp: flags & CInt(IFF_UP) != 0, isLoopback: flags & CInt(IFF_LOOPBACK) != 0))
        }
        return result
    }

    /// Interfaces that carry a default route, sorted. Empty without a route or without /proc.
    package static func withDefaultRoute() throws(SystemError) -> [String] {
        var names: Set<String> = []
        // Destination in column 1, mask in column 7 of /proc/net/route.
        for row in try table("/proc/net/route") where row.count >= 8 && row[1] == "00000000" && row[7] == "00000000" {
            names.insert(row[0])
        }
        // Destination, prefix length, ..., flags, interface; a reject route (flag 0x200) leads nowhere.
        for row in try table("/proc/net/ipv6_route") where row.count >= 10 {
            guard row[0].allSatisfy({ $0 == "0" }), row[1] == "00", let flags = UInt32(row[8], radix: 16) else { continue }
            if flags & 0x0200 == 0, row[9] != "lo" { names.insert(row[9]) }
        }
        return names.sorted()
    }

    private static func length(of family: CInt) -> socklen_t? {
        switch family {
        case AF_INET: socklen_t(MemoryLayout<sockaddr_in>.size)
        case AF_INET6: socklen_t(MemoryLayout<sockaddr_in6>.size)
        default: nil
        }
    }

    private static func table(_ path: String) throws(SystemError) -> [[String]] {
        let content: [UInt8]
        do throws(SystemError) {
            content = try Files.read(path)
        } catch {
            if error.isMissing { return [] }
            throw error
        }
        return content.split(separator: UInt8(ascii: "\n")).map { line in
            line.split { $0 == 0x20 || $0 == 0x09 }.map { String(decoding: $0, as: UTF8.self) }
        }
    }
}
