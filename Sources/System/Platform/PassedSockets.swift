import Glibc

extension ListeningSocket {
    /// Why a descriptor that somebody else opened cannot take the place of a socket of ours.
    package enum Unfit: Error, Hashable, Sendable, CustomStringConvertible {
        case notASocket
        case notInternet
        case notTCP
        case notListening
        /// It is bound to the IPv6 address of every interface, and takes connections of IPv4 along.
        case takesBothFamilies

        package var description: String {
            switch self {
            case .notASocket: "it is no socket"
            case .notInternet: "it is no socket of IPv4 or IPv6"
            case .notTCP: "it is no socket of TCP"
            case .notListening: "it does not listen"
            case .takesBothFamilies: "it takes IPv4 along with IPv6 (BindIPv6Only=ipv6-only parts them)"
            }
        }
    }

    /// The address of a socket that somebody else has bound, if it could be one of ``internet(_:)``.
    package static func address(ofPassed socket: borrowing OwnedDescriptor) throws(Unfit) -> SocketAddress {
        let raw = socket.raw
        let type = try option(raw, SOL_SOCKET, SO_TYPE)
        let family = try option(raw, SOL_SOCKET, SO_DOMAIN)
        guard family == AF_INET || family == AF_INET6 else { throw .notInternet }
        // MPTCP is TCP to whoever does not ask, and the C library's header has no name for it.
        let multipath: CInt = 262
        let transport = try option(raw, SOL_SOCKET, SO_PROTOCOL)
        guard type == CInt(SOCK_STREAM.rawValue), transport == CInt(IPPROTO_TCP) || transport == multipath else {
            throw .notTCP
        }
        guard try option(raw, SOL_SOCKET, SO_ACCEPTCONN) == 1 else { throw .notListening }
        let address: SocketAddress
        do throws(SystemError) {
            address = try Sockets.localAddress(raw)
        } catch {
            throw .notASocket
        }
        if family == AF_INET6, address.octets.allSatisfy({ $0 == 0 }), try option(raw, CInt(IPPROTO_IPV6), IPV6_V6ONLY) == 0 {
            throw .takesBothFamilies
        }
        return address
    }

    private static func option(_ raw: CInt, _ level: CInt, _ name: CInt) throws(Unfit) -> CInt {
        var value: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        guard getsockopt(raw, level, name, &value, &length) == 0 else { throw .notASocket }
        return value
    }
}
