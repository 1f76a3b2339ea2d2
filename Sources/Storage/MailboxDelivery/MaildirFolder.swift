import Glibc
import Platform

/// One maildir or maildir folder with its `tmp` and `new` held open for a batch.
///
/// The maildir's own path is the operator's or the user's and may lead through links. Everything below it is
/// opened relative to its parent and never through a link.
struct MaildirFolder: ~Copyable {
    let directory: OwnedDescriptor
    let tmp: OwnedDescriptor
    let new: SharedDescriptor

    /// Opens the maildir at an absolute path, making it, its parents and its sub-directories (0700) as needed.
    init(path: String, files: any MailboxFiles) throws(DeliveryError) {
        let directory: OwnedDescriptor
        do throws(SystemError) {
            directory = try files.open(path, in: AT_FDCWD, Self.flags, mode: 0)
        } catch {
            guard error.code == ENOENT else { throw Self.reason(path, error) }
            try makePath(path, files: files)
            do throws(SystemError) {
                directory = try files.open(path, in: AT_FDCWD, Self.flags, mode: 0)
            } catch {
                throw Self.reason(path, error)
            }
        }
        try self.init(directory: directory, files: files)
    }

    /// Opens a folder that exists in a maildir; nil when there is none, or something that is no directory.
    static func existing(
        _ name: String, in maildir: borrowing MaildirFolder, files: any MailboxFiles
    ) throws(DeliveryError) -> MaildirFolder? {
        let directory: OwnedDescriptor
        do throws(SystemError) {
            directory = try files.open(name, in: maildir.directory.raw, Self.flags | O_NOFOLLOW, mode: 0)
        } catch {
            switch error.code {
            case ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG: return nil
            default: throw .system(error)
            }
        }
        return try MaildirFolder(directory: directory, files: files)
    }

    /// Opens a folder of a maildir, making it when there is none.
    static func made(
        _ name: String, in maildir: borrowing MaildirFolder, files: any MailboxFiles
    ) throws(DeliveryError) -> MaildirFolder {
        let directory = try openOrMake(name, in: maildir.directory, files: files)
        return try MaildirFolder(directory: directory, files: files)
    }

    private static let flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK

    private init(directory: consuming OwnedDescriptor, files: any MailboxFiles) throws(DeliveryError) {
        let tmp = try Self.openOrMake("tmp", in: directory, files: files)
        let new = try Self.openOrMake("new", in: directory, files: files)
        // Readers take a directory for a maildir only when all three are there.
        _ = try Self.openOrMake("cur", in: directory, files: files)
        self.directory = directory
        self.tmp = tmp
        self.new = SharedDescriptor(new)
    }

    private static func openOrMake(
        _ name: String, in parent: borrowing OwnedDescriptor, files: any MailboxFiles
    ) throws(DeliveryError) -> OwnedDescriptor {
        do throws(SystemError) {
            do throws(SystemError) {
                return try files.open(name, in: parent.raw, flags | O_NOFOLLOW, mode: 0)
            } catch {
                guard error.code == ENOENT else { throw error }
            }
            do throws(SystemError) {
                try files.makeDirectory(name, in: parent.raw, mode: 0o700)
            } catch {
                // Another delivery may have been quicker.
                guard error.code == EEXIST else { throw error }
            }
            // A message in a directory that a power cut takes away was not delivered.
            try files.sync(parent)
            return try files.open(name, in: parent.raw, flags | O_NOFOLLOW, mode: 0)
        } catch {
            throw reason(name, error)
        }
    }

    private static func reason(_ name: String, _ error: SystemError) -> DeliveryError {
        switch error.code {
        case ENOTDIR, ELOOP: .notADirectory(name)
        default: .system(error)
        }
    }

    /// True when `cur` holds the message already: a reader took it over after an earlier attempt.
    func wasTaken(_ name: MaildirName, files: any MailboxFiles) throws(SystemError) -> Bool {
        let cur = try files.open("cur", in: directory.raw, Self.flags | O_NOFOLLOW, mode: 0)
        // /proc would be needed to list by path; fdopendir takes the descriptor over.
        let raw = cur.release()
        guard let listing = fdopendir(raw) else {
            let error = SystemError("fdopendir cur")
            _ = Glibc.close(raw)
            throw error
        }
        defer { closedir(listing) }
        while true {
            errno = 0
            guard let entry = readdir(listing) else {
                if errno != 0 { throw SystemError("readdir cur") }
                return false
            }
            let found = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                // d_name is NUL-terminated within its 256 bytes.
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { name.names(String(cString: $0)) }
            }
            if found { return true }
        }
    }
}

/// Makes a directory and its missing parents, 0700 each, every new entry on stable storage.
private func makePath(_ path: String, files: any MailboxFiles) throws(DeliveryError) {
    var made = ""
    /// What mkdir says of directories above that exist and are not ours to write in.
    var refusal: SystemError?
    for part in path.utf8.split(separator: UInt8(ascii: "/")) {
        let parent = made.isEmpty ? "/" : made
        made += "/" + String(decoding: part, as: UTF8.self)
        do throws(SystemError) {
            try files.makeDirectory(made, in: AT_FDCWD, mode: 0o700)
        } catch {
            switch error.code {
            case EEXIST: continue
            case EACCES, EROFS:
                refusal = error
                continue
            case ENOENT: throw .system(refusal ?? error)
            case ENOTDIR: throw .notADirectory(path)
            default: throw .system(error)
            }
        }
        do throws(SystemError) { try syncDirectory(parent, files: files) } catch { throw .system(error) }
    }
}

/// Puts the entries of a directory on stable storage.
func syncDirectory(_ path: String, files: any MailboxFiles) throws(SystemError) {
    do throws(SystemError) {
        let directory = try files.open(path, in: AT_FDCWD, O_RDONLY | O_DIRECTORY, mode: 0)
        try files.sync(directory)
    } catch {
        // A directory that may be written and not read cannot be synced by us; journalling file systems
        // keep the entry together with the synced file.
        guard error.code == EACCES else { throw error }
    }
}
