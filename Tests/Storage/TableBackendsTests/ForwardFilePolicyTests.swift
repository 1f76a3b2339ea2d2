import Glibc
import Platform
import Tables
import Testing

@testable import TableBackends

private typealias Facts = ForwardFilePolicy.Facts

@Suite("Which .forward may be used (forward(5))") struct ForwardFilePolicyTests {
    private let home = Facts(owner: 1000, mode: S_IFDIR | 0o755)

    private func verdict(
        owner: uid_t = 1000, mode: mode_t = S_IFREG | 0o644, size: Int64 = 10, links: UInt64 = 1,
        parents: [Facts]? = nil
    ) -> ForwardFilePolicy.Verdict {
        ForwardFilePolicy.verdict(
            file: Facts(owner: owner, mode: mode, size: size, links: links), parents: parents ?? [home], user: 1000)
    }

    private func isPermanent(_ verdict: ForwardFilePolicy.Verdict) -> Bool {
        if case .permanentFailure = verdict { return true }
        return false
    }

    @Test func `an ordinary file is used`() {
        #expect(verdict() == .usable)
        #expect(verdict(mode: S_IFREG | 0o600) == .usable)
    }

    @Test func `size 0 is empty, 4095 is used and 4096 must wait`() {
        #expect(verdict(size: 0) == .empty)
        #expect(verdict(size: 4095) == .usable)
        #expect(verdict(size: 4096) == .temporaryFailure("too large"))
    }

    @Test(arguments: [S_IFDIR, S_IFIFO, S_IFLNK, S_IFCHR, S_IFBLK, S_IFSOCK])
    func `only a regular file`(_ kind: mode_t) {
        #expect(isPermanent(verdict(mode: kind | 0o644)))
    }

    @Test func `only the user's own file, with one name, that nobody else may write`() {
        #expect(isPermanent(verdict(owner: 1001)))
        #expect(isPermanent(verdict(owner: 0)))
        #expect(isPermanent(verdict(links: 2)))
        #expect(isPermanent(verdict(mode: S_IFREG | 0o664)))
        #expect(isPermanent(verdict(mode: S_IFREG | 0o646)))
    }

    @Test func `only in directories of the user or root that nobody else may write`() {
        #expect(verdict(parents: [Facts(owner: 0, mode: S_IFDIR | 0o755)]) == .usable)
        #expect(isPermanent(verdict(parents: [Facts(owner: 1001, mode: S_IFDIR | 0o755)])))
        #expect(isPermanent(verdict(parents: [home, Facts(owner: 0, mode: S_IFDIR | 0o775)])))
        #expect(isPermanent(verdict(parents: [Facts(owner: 1000, mode: S_IFDIR | 0o757)])))
        #expect(isPermanent(verdict(parents: [Facts(owner: 1000, mode: S_IFREG | 0o755)])))
    }

    @Test func `a sticky home makes mail wait`() {
        #expect(ForwardFilePolicy.verdict(home: home) == .usable)
        #expect(
            ForwardFilePolicy.verdict(home: Facts(owner: 1000, mode: S_IFDIR | S_ISVTX | 0o755))
                == .temporaryFailure("home directory is sticky"))
    }

    @Test func `a missing file is empty, the machine's trouble is temporary, the rest permanent`() {
        func verdict(_ code: CInt) -> ForwardFilePolicy.Verdict {
            ForwardFilePolicy.verdict(openError: SystemError("open", code: code))
        }
        #expect(verdict(ENOENT) == .empty)
        #expect(verdict(ENOTDIR) == .empty)
        #expect(isPermanent(verdict(ELOOP)))
        #expect(isPermanent(verdict(EACCES)))
        for code in [EMFILE, ENFILE, EIO, ENOMEM] {
            guard case .temporaryFailure = verdict(code) else {
                Issue.record("\(code) is not temporary")
                continue
            }
        }
    }
}

@Suite("Reading .forward and include files") struct ForwardFileReadingTests {
    let home = ScratchDirectory()

    private var answer: ForwardFile { ForwardFile.read(home: home.path, user: geteuid()) }

    private func isPermanent(_ file: ForwardFile) -> Bool {
        if case .permanentFailure = file { return true }
        return false
    }

    @Test func `its content is read`() throws {
        try home.write(".forward", "bob\n")
        #expect(answer == .content(Array("bob\n".utf8)))
    }

    @Test func `none and an empty one forward nothing`() throws {
        #expect(answer == .none)
        try home.write(".forward", "")
        #expect(answer == .none)
        #expect(ForwardFile.read(home: "/nonexistent", user: geteuid()) == .none)
    }

    @Test func `only a home that anybody can see to have none is known to have none`() throws {
        #expect(ForwardFile.isCertainlyAbsent(in: home.path))
        #expect(ForwardFile.isCertainlyAbsent(in: "/nonexistent"))
        chmod(home.path, 0o1755)
        #expect(!ForwardFile.isCertainlyAbsent(in: home.path), "the user asks for mail to wait")
        chmod(home.path, 0o755)
        try home.write(".forward", "")
        #expect(!ForwardFile.isCertainlyAbsent(in: home.path))
        unlink(home.path + "/.forward")
        symlink("/nonexistent", home.path + "/.forward")
        #expect(!ForwardFile.isCertainlyAbsent(in: home.path), "a link is a failure, not an absence")
    }

    @Test func `4095 bytes are read and 4096 are too many`() throws {
        try home.write(".forward", String(repeating: "x", count: 4095))
        #expect(answer == .content([UInt8](repeating: 0x78, count: 4095)))
        try home.write(".forward", String(repeating: "x", count: 4096))
        #expect(answer == .temporaryFailure("too large"))
    }

    @Test func `links, FIFOs and directories are refused and nothing waits`() throws {
        let target = try home.write("target", "bob\n")
        let path = "\(home.path)/.forward"
        #expect(symlink(target, path) == 0)
        #expect(isPermanent(answer))
        unlink(path)
        #expect(link(target, path) == 0)
        #expect(isPermanent(answer))
        unlink(path)
        #expect(mkfifo(path, 0o600) == 0)
        #expect(isPermanent(answer))
        unlink(path)
        #expect(mkdir(path, 0o700) == 0)
        #expect(isPermanent(answer))
        rmdir(path)
    }

    @Test func `a file or home that others may write to is refused`() throws {
        try home.write(".forward", "bob\n", mode: 0o620)
        #expect(isPermanent(answer))
        try home.write(".forward", "bob\n", mode: 0o600)
        chmod(home.path, 0o770)
        #expect(isPermanent(answer))
        chmod(home.path, 0o1700)
        #expect(answer == .temporaryFailure("home directory is sticky"))
        chmod(home.path, 0o700)
        #expect(isPermanent(ForwardFile.read(home: home.path, user: geteuid() &+ 1)))
    }

    @Test func `an include file is read, unless everybody may write to it`() throws {
        let path = try home.write("list", "ada\n", mode: 0o664)
        #expect(IncludeFile.read(path) == .content(Array("ada\n".utf8)))
        chmod(path, 0o666)
        #expect(IncludeFile.read(path) == .unreadable("writable by everybody"))
        #expect(IncludeFile.read(home.path) == .unreadable("not a regular file"))
        guard case .unreadable = IncludeFile.read("/nonexistent/list") else {
            Issue.record("read")
            return
        }
    }
}
