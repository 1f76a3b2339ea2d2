import Envelopes
import Glibc
import MailSyntax
import Platform

/// Delivery into one mbox file: locked, appended, synced, and cut back to its old length on any error.
///
/// The locks are those of Debian policy 11.6: the record lock (fcntl) first and then the dot lock. A file
/// that is a symbolic link, has a second name or is no regular file is refused, so that nobody can direct
/// mail into what belongs to another.
package struct Mbox {
    private let path: String
    private let kind: Kind
    private let files: any MailboxFiles
    /// How long to wait for other programs' locks, in milliseconds.
    private let patience: Int64

    package enum Kind: Sendable {
        /// A user's mailbox in the system mail directory: both locks are required, it must belong to the
        /// user, and it is made with mode 660 and the directory's group where that is ours to give.
        case systemMailbox
        /// A file an alias names: the dot lock is taken where the directory allows it; made with mode 600.
        case file
    }

    /// One message for the mailbox.
    package struct Delivery {
        package var message: MessageSource
        package var sender: ReversePath
        package init(message: MessageSource, sender: ReversePath) {
            self.message = message
            self.sender = sender
        }
    }

    /// - Parameter path: Absolute.
    package init(path: String, kind: Kind, files: any MailboxFiles = KernelFiles(), patience: Int64 = 15_000) {
        self.path = path
        self.kind = kind
        self.files = files
        self.patience = patience
    }

    /// Appends all under one lock and one sync; results in the order of the batch.
    package func deliver(_ batch: [Delivery]) -> [DeliveryOutcome] {
        // The one device that people name as a file in their aliases, to be rid of mail.
        if path == "/dev/null", case .file = kind { return batch.map { _ in .delivered("Discarded") } }
        do throws(DeliveryError) {
            let lock = try takeLocks()
            defer { lock.dotLock?.release() }
            do throws(SystemError) {
                return try append(batch, to: lock.file)
            } catch {
                throw .system(error)
            }
        } catch {
            return batch.map { _ in error.outcome }
        }
    }

    /// The open mailbox with its record lock, which lasts as long as the descriptor, and its dot lock.
    private struct Locked: ~Copyable {
        let file: OwnedDescriptor
        let dotLock: DotLock?
    }

    private func takeLocks() throws(DeliveryError) -> Locked {
        let deadline = monotonicMilliseconds() + patience
        while true {
            let file = try open()
            if try record(file), try isStillThere(file) {
                switch try dotLock() {
                case .taken(let lock): return Locked(file: file, dotLock: lock)
                case .notNeeded: return Locked(file: file, dotLock: nil)
                case .held: break
                }
            }
            // Both locks are let go while we wait: a program that takes them the other way round gets on.
            _ = consume file
            guard monotonicMilliseconds() < deadline else { throw .busy(path) }
            pause(milliseconds: 50)
        }
    }

    /// Opens the mailbox, making it when there is none, and checks on the descriptor what it is.
    private func open() throws(DeliveryError) -> OwnedDescriptor {
        // Not blocking, for a FIFO or a device in its place must not hold us up before it is refused.
        let flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
        let file: OwnedDescriptor
        do throws(SystemError) {
            do throws(SystemError) {
                file = try files.open(path, in: AT_FDCWD, flags, mode: 0)
            } catch {
                guard error.code == ENOENT else { throw error }
                file = try make(flags)
            }
        } catch {
            throw DeliveryError(opening: path, error)
        }
        try check(file)
        return file
    }

    private func make(_ flags: CInt) throws(SystemError) -> OwnedDescriptor {
        let file = try files.open(path, in: AT_FDCWD, flags | O_CREAT | O_EXCL, mode: 0o600)
        if case .systemMailbox = kind, let directory = try Files.status(parent) {
            // Without the group it stays 600, which is as good for all but programs with that group.
            try? files.share(file, with: directory.group, mode: 0o660)
        }
        try syncDirectory(parent, files: files)
        return file
    }

    private var parent: String {
        let end = path.utf8.lastIndex(of: UInt8(ascii: "/")) ?? path.startIndex
        return end == path.startIndex ? "/" : String(path[..<end])
    }

    private func check(_ file: borrowing OwnedDescriptor) throws(DeliveryError) {
        let status: FileStatus
        do throws(SystemError) { status = try Files.status(file) } catch { throw .system(error) }
        guard status.isRegular else { throw .notAFile(path) }
        guard status.links <= 1 else { throw .severalLinks(path) }
        if case .systemMailbox = kind, status.user != geteuid() { throw .foreignOwner(path) }
    }

    /// True when the record lock is ours.
    private func record(_ file: borrowing OwnedDescriptor) throws(DeliveryError) -> Bool {
        do throws(SystemError) { return try FileLock.record.acquire(file) } catch { throw .system(error) }
    }

    /// A mail reader may have put another file in its place between our open and our lock.
    private func isStillThere(_ file: borrowing OwnedDescriptor) throws(DeliveryError) -> Bool {
        do throws(SystemError) {
            let ours = try Files.status(file)
            guard let named = try Files.status(path) else { return false }
            return named.inode == ours.inode && named.device == ours.device
        } catch {
            throw .system(error)
        }
    }

    private enum DotLockResult {
        case taken(DotLock)
        case held
        case notNeeded
    }

    private func dotLock() throws(DeliveryError) -> DotLockResult {
        do throws(SystemError) {
            guard let lock = try DotLock.take(for: path, files: files) else { return .held }
            return .taken(lock)
        } catch {
            if case .file = kind, error.code == EACCES || error.code == EPERM || error.code == ENAMETOOLONG {
                return .notNeeded
            }
            throw .system(error)
        }
    }

    /// Appends under the locks. A message that fails is cut off again and the next one tried, for a smaller
    /// one may still fit; a sync that fails takes them all back.
    private func append(_ batch: [Delivery], to file: borrowing OwnedDescriptor) throws(SystemError) -> [DeliveryOutcome] {
        let start = try Files.status(file).size
        let date = mboxDate(Timestamp(seconds: Int64(time(nil))))
        var end = start
        var gap = try missingNewlines(file, size: start)
        var results: [DeliveryOutcome] = []
        for delivery in batch {
            do throws(SystemError) {
                try append(delivery, after: gap, date: date, to: file)
                end = try Files.status(file).size
                gap = []
                results.append(.delivered("Delivered to mbox"))
            } catch {
                try files.truncate(file, to: end)
                results.append(DeliveryError.system(error).outcome)
            }
        }
        guard end > start else { return results }
        do throws(SystemError) {
            try files.sync(file)
        } catch {
            try files.truncate(file, to: start)
            throw error
        }
        return results
    }

    private func append(
        _ delivery: Delivery, after gap: [UInt8], date: String, to file: borrowing OwnedDescriptor
    ) throws(SystemError) {
        var formatter = MboxFormatter()
        var pending = gap + MboxFormatter.separator(sender: delivery.sender, date: date)
        while let chunk = try delivery.message.next() {
            pending += formatter.quoted(chunk)
            if pending.count >= 65_536 {
                try files.write(pending, to: file)
                pending.removeAll(keepingCapacity: true)
            }
        }
        pending += formatter.end()
        try files.write(pending, to: file)
    }

    /// What a mailbox that another program left without a closing empty line needs before the next message,
    /// so that this message does not become part of the last one.
    private func missingNewlines(_ file: borrowing OwnedDescriptor, size: Int64) throws(SystemError) -> [UInt8] {
        guard size > 0 else { return [] }
        let raw = file.raw
        let count = Int(min(2, size))
        let tail = try readSome(count) { pread(raw, $0.baseAddress, $0.count, off_t(size - Int64(count))) }
        let newline = UInt8(ascii: "\n")
        guard tail.last == newline else { return [newline, newline] }
        return tail == [newline, newline] ? [] : [newline]
    }
}

/// A clock that no one sets, in milliseconds.
package func monotonicMilliseconds() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
}

func pause(milliseconds: Int) {
    var time = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
    // Woken early by a signal, the caller looks at its clock again.
    nanosleep(&time, nil)
}
