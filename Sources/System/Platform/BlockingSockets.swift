import Glibc

/// Sockets for programs without a loop: waits that have a limit, and sending that does not end halfway.
extension Sockets {
    /// Limits each single wait of a blocking socket; a wait that is over fails with EAGAIN.
    package static func setTimeout(_ socket: CInt, seconds: Int) throws(SystemError) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_SNDTIMEO, SO_RCVTIMEO] {
            _ = try checked("setsockopt") {
                setsockopt(socket, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
            }
        }
    }

    /// Sends all of it, however many calls that takes, and without SIGPIPE.
    package static func sendAll(_ socket: CInt, _ bytes: [UInt8]) throws(SystemError) {
        var offset = 0
        while offset < bytes.count {
            offset += try checked("send") {
                bytes.withUnsafeBytes { all in
                    let rest = UnsafeRawBufferPointer(rebasing: all[offset...])
                    return Glibc.send(socket, rest.baseAddress, rest.count, CInt(MSG_NOSIGNAL))
                }
            }
        }
    }
}
