import CPlatform
import Glibc

/// Exclusive locks on whole files.
///
/// Two kinds that do not see each other: programs that share a file must agree. Both go away with the
/// process; a record lock also when *any* descriptor of the file is closed in it.
package enum FileLock {
    case flock
    /// That of `fcntl`, which works over NFS.
    case record

    /// Takes the lock if it is free.
    ///
    /// - Returns: False when somebody else has it.
    package func acquire(_ file: borrowing OwnedDescriptor) throws(SystemError) -> Bool {
        let raw = file.raw
        do throws(SystemError) {
            _ = try checked("lock") { () -> CInt in
                switch self {
                case .flock: return wholeFileLock(raw, LOCK_EX | LOCK_NB)
                case .record: return martlet_record_lock(raw, true, false)
                }
            }
            return true
        } catch {
            if error.code == EAGAIN || error.code == EACCES { return false }
            throw error
        }
    }

    /// Takes a lock that others may have too, if nobody has it for himself; of ``flock`` only.
    ///
    /// - Returns: False when somebody has it for himself.
    package func acquireShared(_ file: borrowing OwnedDescriptor) throws(SystemError) -> Bool {
        precondition(self == .flock, "shared record locks are not used")
        let raw = file.raw
        do throws(SystemError) {
            _ = try checked("lock") { wholeFileLock(raw, LOCK_SH | LOCK_NB) }
            return true
        } catch {
            if error.code == EAGAIN { return false }
            throw error
        }
    }

    /// Waits for the lock, without limit: for programs without a loop.
    package func wait(_ file: borrowing OwnedDescriptor) throws(SystemError) {
        let raw = file.raw
        _ = try checked("lock") { () -> CInt in
            switch self {
                case .flock: return wholeFileLock(raw, LOCK_EX)
                case .record: return martlet_record_lock(raw, true, true)
                }
        }
    }

    /// Gives the lock up; without a lock it does nothing.
    package func release(_ file: borrowing OwnedDescriptor) throws(SystemError) {
        let raw = file.raw
        _ = try checked("unlock") { () -> CInt in
            switch self {
                case .flock: return wholeFileLock(raw, LOCK_UN)
                case .record: return martlet_record_lock(raw, false, false)
                }
        }
    }
}

/// The function `flock`, not the structure of the same name.
private func wholeFileLock(_ descriptor: CInt, _ operation: CInt) -> CInt {
    let call: (CInt, CInt) -> CInt = flock
    return call(descriptor, operation)
}
