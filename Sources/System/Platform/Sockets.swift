import CPlatform
import Glibc

/// Sockets that wait for connections.
package enum ListeningSocket {
    /// Binds and listens with the longest backlog the system allows; port 0 lets the kernel choose.
    ///
    /// An IPv6 socket takes IPv6 only, so that both families can listen on one port. Non-blocking.
    package static func internet(_ address: SocketAddress) throws(SystemError) -> OwnedDescriptor {
        let socket = try Sockets.open(address.family)
        try Sockets.setOption(socket, SOL_SOCKET, SO_REUSEADDR, 1)
        if address.family == AF_INET6 { try Sockets.setOption(socket, CInt(IPPROTO_IPV6), IPV6_V6ONLY, 1) }
        try Sockets.bind(socket, to: address)
        try listen(socket, address)
        return socket
    }

    /// Makes a Unix socket in place of one that a former process left behind.
    ///
    /// - Parameter mode: Who may connect. It holds from the first moment: the mask is narrowed meanwhile.
    /// - Throws: EEXIST if something other than a socket has the name.
    package static func local(path: String, mode: mode_t) throws(SystemError) -> OwnedDescriptor {
        if let status = try Files.status(path) {
            guard status.isSocket else { throw SystemError("bind \(path)", code: EEXIST) }
            try Files.remove(path)
        }
        let socket = try Sockets.open(AF_UNIX)
        let address = SocketAddress.local(path: path)
        let before = umask(0o777 & ~mode)
        defer { umask(before) }
        try Sockets.bind(socket, to: address)
        _ = try checked("chmod \(path)") { chmod(path, mode) }
        try listen(socket, address)
        return socket
    }

    private static func listen(_ socket: borrowing OwnedDescriptor, _ address: SocketAddress) throws(SystemError) {
        let raw = socket.raw
        // The kernel cuts it to net.core.somaxconn, so the administrator decides, not a header of 1992.
        _ = try checked("listen on \(address)") { Glibc.listen(raw, CInt(Int32.max)) }
    }
}

/// A connection on its way.
package struct ConnectingSocket: ~Copyable {
    /// Non-blocking.
    package let socket: OwnedDescriptor
    /// Otherwise the socket becomes writable when the outcome is known: see ``pendingError()``.
    package let isConnected: Bool

    /// Begins; a failure that is known at once is thrown.
    package init(to address: SocketAddress, from source: SocketAddress? = nil) throws(SystemError) {
        let socket = try Sockets.open(address.family)
        if let source { try Sockets.bind(socket, to: source) }
        let raw = socket.raw
        let code = try address.withKernelForm { pointer, length in
            Glibc.connect(raw, pointer, length) == 0 ? 0 : errno
        }
        // EINTR: it goes on in the background like EINPROGRESS. A Unix socket is connected at once or not.
        guard code == 0 || code == EINPROGRESS || code == EINTR else {
            throw SystemError("connect to \(address)", code: code)
        }
        isConnected = code == 0
        self.socket = socket
    }

    /// The error number of the attempt once the socket is writable; 0 when it is connected.
    package func pendingError() throws(SystemError) -> CInt {
        let raw = socket.raw
        var code: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        _ = try checked("getsockopt") { getsockopt(raw, SOL_SOCKET, SO_ERROR, &code, &length) }
        return code
    }

    /// Connects and waits: for programs without a loop. The socket is blocking afterwards.
    ///
    /// - Parameter timeout: In milliseconds.
    /// - Throws: ETIMEDOUT when the time is over, else what the kernel says.
    package static func wait(to address: SocketAddress, timeout: Int32) throws(SystemError) -> OwnedDescriptor {
        let attempt = try ConnectingSocket(to: address)
        if !attempt.isConnected {
            var request = pollfd(fd: attempt.socket.raw, events: Int16(POLLOUT), revents: 0)
            let count = try checked("poll") { poll(&request, 1, timeout) }
            guard count > 0 else { throw SystemError("connect to \(address)", code: ETIMEDOUT) }
            let code = try attempt.pendingError()
            guard code == 0 else { throw SystemError("connect to \(address)", code: code) }
        }
        let socket = attempt.intoSocket()
        try socket.setNonBlocking(false)
        return socket
    }

    /// The socket alone.
    package consuming func intoSocket() -> OwnedDescriptor { socket }
}

/// Questions to connected sockets, and what the other types share.
package enum Sockets {
    /// The address of the other end.
    package static func peerAddress(_ socket: CInt) throws(SystemError) -> SocketAddress {
        try address("getpeername", socket, getpeername)
    }

    /// The address of this end.
    package static func localAddress(_ socket: CInt) throws(SystemError) -> SocketAddress {
        try address("getsockname", socket, getsockname)
    }

    /// Who connected to a Unix socket.
    package static func peerCredentials(_ socket: CInt) throws(SystemError) -> PeerCredentials {
        var process: pid_t = 0
        var user: uid_t = 0
        var group: gid_t = 0
        _ = try checked("SO_PEERCRED") { martlet_peer_credentials(socket, &process, &user, &group) }
        return PeerCredentials(process: process, user: user, group: group)
    }

    /// The supplementary groups of who connected to a Unix socket, as they were then.
    ///
    /// - Throws: A ``SystemError`` also where the kernel cannot tell (Linux before 4.13).
    package static func peerGroups(_ socket: CInt) throws(SystemError) -> [gid_t] {
        // The C library's header has no name for it.
        let peerGroupsOption: CInt = 59
        var groups = [gid_t](repeating: 0, count: 64)
        while true {
            var size = socklen_t(groups.count * MemoryLayout<gid_t>.stride)
            if getsockopt(socket, SOL_SOCKET, peerGroupsOption, &groups, &size) == 0 {
                return Array(groups.prefix(Int(size) / MemoryLayout<gid_t>.stride))
            }
            // The kernel says how much room it wants, which it never does twice without reason.
            let wanted = Int(size) / MemoryLayout<gid_t>.stride
            guard errno == ERANGE, wanted > groups.count, wanted <= 65_536 else { throw SystemError("SO_PEERGROUPS") }
            groups = [gid_t](repeating: 0, count: wanted)
        }
    }

    /// Whether there is something to read at this moment, an end included.
    package static func hasInput(_ socket: CInt) -> Bool {
        var request = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return poll(&request, 1, 0) > 0
    }

    /// Sends small writes at once; for TCP.
    package static func setNoDelay(_ socket: CInt) throws(SystemError) {
        try setOption(raw: socket, CInt(IPPROTO_TCP), TCP_NODELAY, 1)
    }

    static func open(_ family: CInt) throws(SystemError) -> OwnedDescriptor {
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        return OwnedDescriptor(adopting: try checked("socket") { socket(family, kind, 0) })
    }

    static func bind(_ socket: borrowing OwnedDescriptor, to address: SocketAddress) throws(SystemError) {
        let raw = socket.raw
        let code = try address.withKernelForm { pointer, length in Glibc.bind(raw, pointer, length) == 0 ? 0 : errno }
        guard code == 0 else { throw SystemError("bind to \(address)", code: code) }
    }

    static func setOption(
        _ socket: borrowing OwnedDescriptor, _ level: CInt, _ option: CInt, _ value: CInt
    ) throws(SystemError) {
        try setOption(raw: socket.raw, level, option, value)
    }

    private static func setOption(raw: CInt, _ level: CInt, _ option: CInt, _ value: CInt) throws(SystemError) {
        var value = value
        _ = try checked("setsockopt") { setsockopt(raw, level, option, &value, socklen_t(MemoryLayout<CInt>.size)) }
    }

    private static func address(
        _ operation: String, _ socket: CInt,
        _ call: (CInt, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> CInt
    ) throws(SystemError) -> SocketAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        _ = try checked(operation) {
            withUnsafeMutablePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { call(socket, $0, &length) }
            }
        }
        return SocketAddress(storage, length: length)
    }
}

/// Whom the kernel saw at the other end of a Unix socket when the connection was made.
package struct PeerCredentials: Hashable, Sendable {
    /// Its number; another program may have it by now.
    package let process: pid_t
    /// Effective user then.
    package let user: uid_t
    /// Effective group then.
    package let group: gid_t
}
