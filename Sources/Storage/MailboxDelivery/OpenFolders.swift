import Glibc
import Platform

/// Which folder of a maildir a message goes to.
enum FolderKind: Hashable {
    case maildir
    /// `.Junk`, made when missing.
    case junk
    /// A folder by name, the maildir itself when there is none.
    case existing(String)
}

/// The folders a batch delivers to, each opened once and known by a number.
struct OpenFolders {
    private let files: any MailboxFiles
    private var folders: [Holder] = []
    private var numbers: [Key: Result<Int, DeliveryError>] = [:]

    private struct Key: Hashable {
        let path: String
        let kind: FolderKind
    }

    /// Arrays hold copyable values only.
    private final class Holder {
        let folder: MaildirFolder
        init(_ folder: consuming MaildirFolder) { self.folder = folder }
    }

    init(files: any MailboxFiles) { self.files = files }

    /// The number of a folder. What opening it said the first time holds for the whole batch.
    mutating func folder(_ kind: FolderKind, of path: String) throws(DeliveryError) -> Int {
        let key = Key(path: path, kind: kind)
        if let known = numbers[key] { return try known.get() }
        do throws(DeliveryError) {
            let number = try open(kind, of: path)
            numbers[key] = .success(number)
            return number
        } catch {
            numbers[key] = .failure(error)
            throw error
        }
    }

    private mutating func open(_ kind: FolderKind, of path: String) throws(DeliveryError) -> Int {
        switch kind {
        case .maildir:
            return add(try MaildirFolder(path: path, files: files))
        case .junk:
            let maildir = try folder(.maildir, of: path)
            return add(try MaildirFolder.made(".Junk", in: folders[maildir].folder, files: files))
        case .existing(let name):
            let maildir = try folder(.maildir, of: path)
            guard let found = try MaildirFolder.existing(name, in: folders[maildir].folder, files: files) else {
                return maildir
            }
            return add(found)
        }
    }

    private mutating func add(_ folder: consuming MaildirFolder) -> Int {
        folders.append(Holder(folder))
        return folders.count - 1
    }

    func tmp(_ number: Int) -> CInt { folders[number].folder.tmp.raw }
    func new(_ number: Int) -> CInt { folders[number].folder.new.descriptor.raw }

    /// True when the message is in `new` or `cur` already. In `new` it is whole, since it is renamed there
    /// after its sync only.
    func holds(_ name: MaildirName, _ number: Int) throws(SystemError) -> Bool {
        if faccessat(new(number), name.text, F_OK, AT_SYMLINK_NOFOLLOW) == 0 { return true }
        return try folders[number].folder.wasTaken(name, files: files)
    }

    /// Syncs the `new` of each; what failed, by number.
    func syncAll(_ numbers: Set<Int>) -> [Int: SystemError] {
        let numbers = numbers.sorted()
        var failures: [Int: SystemError] = [:]
        for (number, failure) in zip(numbers, files.sync(all: numbers.map { folders[$0].folder.new })) {
            failures[number] = failure
        }
        return failures
    }
}
