import Glibc

/// A UDP socket with one peer: what others send to it does not arrive.
package struct DatagramSocket: ~Copyable {
    /// Non-blocking.
    package let descriptor: OwnedDescriptor

    /// From a port that the kernel chooses at random.
    package init(connectedTo peer: SocketAddress) throws(SystemError) {
        let kind = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let family = peer.family
        let raw = try checked("socket") { socket(family, kind, 0) }
        let descriptor = OwnedDescriptor(adopting: raw)
        let code = try peer.withKernelForm { pointer, length in Glibc.connect(raw, pointer, length) == 0 ? 0 : errno }
        guard code == 0 else { throw SystemError("connect to \(peer)", code: code) }
        self.descriptor = descriptor
    }

    /// Sends one datagram.
    ///
    /// - Throws: ECONNREFUSED when an earlier one found nobody.
    package func send(_ bytes: [UInt8]) throws(SystemError) {
        let raw = descriptor.raw
        _ = try checked("send") { bytes.withUnsafeBytes { Glibc.send(raw, $0.baseAddress, $0.count, 0) } }
    }

    /// What there is to receive.
    package enum Received: Equatable, Sendable {
        /// One datagram, empty at times.
        case datagram([UInt8])
        /// One that is longer than the limit.
        case tooLong
        /// None has arrived yet.
        case nothing
    }

    /// Takes one datagram without waiting.
    ///
    /// - Throws: ECONNREFUSED when one that was sent found nobody.
    package func receive(limit: Int) throws(SystemError) -> Received {
        var room = [UInt8](repeating: 0, count: limit)
        let raw = descriptor.raw
        while true {
            // With this flag the kernel tells the length of the datagram, not of the part that fits.
            let count = room.withUnsafeMutableBytes { recv(raw, $0.baseAddress, $0.count, CInt(MSG_TRUNC)) }
            if count >= 0 { return count > limit ? .tooLong : .datagram(Array(room[..<count])) }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .nothing
            case let code: throw SystemError("receive", code: code)
            }
        }
    }
}
