import CPlatform
import Glibc

/// Connected Unix sockets and descriptors travelling over them.
package enum LocalSocket {
    /// Two connected stream sockets, both close-on-exec.
    package static func pair() throws(SystemError) -> SocketPair {
        var ends: [CInt] = [-1, -1]
        _ = try checked("socketpair") { socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0, &ends) }
        return SocketPair(first: OwnedDescriptor(adopting: ends[0]), second: OwnedDescriptor(adopting: ends[1]))
    }

    /// Sends bytes with a descriptor on the first of them; may send fewer bytes than given.
    /// The caller keeps the descriptor.
    package static func send(
        _ bytes: UnsafeRawBufferPointer, descriptor: CInt?, over socket: CInt
    ) throws(SystemError) -> Int {
        try checked("sendmsg") { martlet_send_descriptor(socket, bytes.baseAddress, bytes.count, descriptor ?? -1) }
    }

    /// Receives bytes and at most one descriptor (more are closed); 0 bytes at the end of the stream.
    package static func receive(
        into buffer: UnsafeMutableRawBufferPointer, from socket: CInt
    ) throws(SystemError) -> (count: Int, descriptor: CInt?) {
        var descriptor: CInt = -1
        let count = try checked("recvmsg") {
            martlet_receive_descriptor(socket, buffer.baseAddress, buffer.count, &descriptor)
        }
        return (count, descriptor >= 0 ? descriptor : nil)
    }
}

/// The two ends of one connection; noncopyable values cannot stand in a tuple.
@frozen package struct SocketPair: ~Copyable {
    package let first: OwnedDescriptor
    package let second: OwnedDescriptor
}
