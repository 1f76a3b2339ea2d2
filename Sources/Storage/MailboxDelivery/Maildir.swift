import Envelopes
import Glibc
import Platform

/// Delivery into maildirs, a batch at a time, everything on stable storage before the answer.
///
/// A batch is written file by file into `tmp` while the disk already works, then the files are synced
/// together, then all are renamed into `new`, then each `new` is synced once. A message is thus visible only when it is
/// whole, and reported delivered only when a power cut cannot take it back. Each delivery has its own
/// result: one that fails leaves nothing behind and hinders no other.
package struct Maildir {
    package let files: any MailboxFiles

    package init(files: any MailboxFiles = KernelFiles()) { self.files = files }

    /// One message for one maildir.
    package struct Delivery {
        package var message: MessageSource
        /// The maildir's absolute path.
        package var path: String
        package var name: MaildirName
        /// Goes to the folder of this sub-address where it exists.
        package var subaddress: String?
        /// Mail marked as spam goes to `.Junk`, which is made when missing.
        package var filesJunk: Bool
        /// An earlier attempt may have succeeded unrecorded: a message that is there already is left alone.
        package var isRepeat: Bool

        package init(
            message: MessageSource, path: String, name: MaildirName, subaddress: String? = nil,
            filesJunk: Bool = false, isRepeat: Bool = false
        ) {
            self.message = message
            self.path = path
            self.name = name
            self.subaddress = subaddress
            self.filesJunk = filesJunk
            self.isRepeat = isRepeat
        }
    }

    /// How many deliveries a caller should hand over at once: more gain little, and each may hold four
    /// descriptors open.
    package static let largestUsefulBatch = 64

    /// Delivers all; results in the order of the batch. Throws nothing: every trouble is a result.
    package func deliver(_ batch: [Delivery]) -> [DeliveryOutcome] {
        var folders = OpenFolders(files: files)
        var results = [DeliveryOutcome?](repeating: nil, count: batch.count)
        var written: [WrittenFile?] = []
        for (index, delivery) in batch.enumerated() {
            do throws(DeliveryError) {
                written.append(try write(delivery, folders: &folders))
            } catch {
                results[index] = error.outcome
                written.append(nil)
            }
        }
        let unsynced = batch.indices.filter { written[$0]?.descriptor != nil }
        let failures = files.sync(all: unsynced.compactMap { written[$0]?.descriptor })
        for (index, failure) in zip(unsynced, failures) {
            guard let file = written[index] else { continue }
            file.descriptor = nil
            // What sync says of a file is final: the kernel may have dropped its pages, so it is never asked
            // again.
            if let failure {
                results[index] = DeliveryError.system(failure).outcome
                discard(file.temporaryName, in: folders.tmp(file.folder))
                written[index] = nil
            }
        }
        for (index, delivery) in batch.enumerated() {
            guard let file = written[index], !file.isThere else { continue }
            do throws(SystemError) {
                // Replaces the file of an earlier attempt at the same envelope, never another's.
                try files.rename(
                    file.temporaryName, in: folders.tmp(file.folder), to: delivery.name.text, in: folders.new(file.folder))
            } catch {
                results[index] = DeliveryError.system(error).outcome
                discard(file.temporaryName, in: folders.tmp(file.folder))
                written[index] = nil
            }
        }
        let lostFolders = folders.syncAll(Set(written.compactMap { $0?.folder }))
        return batch.indices.map { index in
            if let result = results[index] { return result }
            // Either a result stands above or a file was written.
            guard let file = written[index] else { preconditionFailure("a delivery without a result") }
            guard let failure = lostFolders[file.folder] else { return .delivered("Delivered to maildir") }
            // The entry may or may not survive; the next attempt must not meet an older name of ours.
            if !file.isThere { discard(batch[index].name.text, in: folders.new(file.folder)) }
            return DeliveryError.system(failure).outcome
        }
    }

    /// A message's file between its writing and its rename.
    private final class WrittenFile {
        let folder: Int
        let temporaryName: String
        /// Nil once synced.
        var descriptor: SharedDescriptor?
        /// An earlier attempt left it in place; only the directory is synced.
        let isThere: Bool

        init(folder: Int, temporaryName: String, descriptor: SharedDescriptor?, isThere: Bool) {
            self.folder = folder
            self.temporaryName = temporaryName
            self.descriptor = descriptor
            self.isThere = isThere
        }
    }

    private func write(_ delivery: Delivery, folders: inout OpenFolders) throws(DeliveryError) -> WrittenFile {
        let kind: FolderKind = try isJunk(delivery) ? .junk : delivery.subaddress.flatMap(folderName).map(FolderKind.existing) ?? .maildir
        let folder = try folders.folder(kind, of: delivery.path)
        let tmp = folders.tmp(folder)
        let temporaryName = delivery.name.whileWriting(by: getpid())
        do throws(SystemError) {
            if delivery.isRepeat, try folders.holds(delivery.name, folder) {
                return WrittenFile(folder: folder, temporaryName: temporaryName, descriptor: nil, isThere: true)
            }
            let file = try create(temporaryName, in: tmp)
            do throws(SystemError) {
                while let chunk = try delivery.message.next() { try files.write(chunk, to: file.descriptor) }
                try files.startWriteback(file.descriptor)
            } catch {
                discard(temporaryName, in: tmp)
                throw error
            }
            return WrittenFile(folder: folder, temporaryName: temporaryName, descriptor: file, isThere: false)
        } catch {
            throw .system(error)
        }
    }

    private func isJunk(_ delivery: Delivery) throws(DeliveryError) -> Bool {
        guard delivery.filesJunk else { return false }
        do throws(SystemError) {
            return try delivery.message.header().isMarkedAsSpam
        } catch {
            throw .system(error)
        }
    }

    private func create(_ name: String, in directory: CInt) throws(SystemError) -> SharedDescriptor {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
        do throws(SystemError) {
            return SharedDescriptor(try files.open(name, in: directory, flags, mode: 0o600))
        } catch {
            guard error.code == EEXIST else { throw error }
        }
        // Left by a process of the same number that did not live to remove it.
        try files.remove(name, in: directory)
        return SharedDescriptor(try files.open(name, in: directory, flags, mode: 0o600))
    }

    /// Takes an unfinished file away. When that fails too it stays in `tmp`, which readers clean after 36
    /// hours, and the result already says that the delivery failed.
    private func discard(_ name: String, in directory: CInt) {
        try? files.remove(name, in: directory)
    }
}
