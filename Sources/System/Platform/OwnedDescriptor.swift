import CPlatform
import Glibc

/// A file descriptor with exactly one owner, closed when the owner goes away.
package struct OwnedDescriptor: ~Copyable, Sendable {
    /// The number, for calls that borrow it; it is never kept beyond the owner.
    package let raw: CInt

    package init(adopting raw: CInt) {
        precondition(raw >= 0, "a descriptor is not negative")
        self.raw = raw
    }

    /// Gives the descriptor up, for example to a message that hands it to another process.
    package consuming func release() -> CInt {
        let raw = self.raw
        discard self
        return raw
    }

    /// Closes and reports what the kernel says of it: writers check this.
    package consuming func close() throws(SystemError) {
        let raw = release()
        // No retry on EINTR: on Linux the descriptor is gone either way.
        if Glibc.close(raw) == -1, errno != EINTR { throw SystemError("close") }
    }

    package func duplicate() throws(SystemError) -> OwnedDescriptor {
        let raw = self.raw
        return OwnedDescriptor(adopting: try checked("dup") { martlet_fcntl(raw, F_DUPFD_CLOEXEC, 3) })
    }

    package func setNonBlocking(_ on: Bool = true) throws(SystemError) {
        let raw = self.raw
        let flags = try checked("fcntl") { martlet_fcntl(raw, F_GETFL, 0) }
        let wanted = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK
        if wanted != flags { _ = try checked("fcntl") { martlet_fcntl(raw, F_SETFL, wanted) } }
    }

    // The result of a close that nobody waits for has no reader.
    deinit { _ = Glibc.close(raw) }
}
