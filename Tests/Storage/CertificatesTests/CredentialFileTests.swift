import Configuration
import Glibc
import Platform
import ServerTesting
import Testing

@testable import Certificates

@Suite("Who may read and change keys and certificates (smtpd.conf(5), Certificates and keys)") struct CredentialFileTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func failure(_ kind: CredentialFile.Kind, mode: mode_t) throws -> CredentialFailure.Reason? {
        let path = scratch.path + "/file"
        try scratch.write("file", "x", mode: mode)
        _ = try checked("chown") { chown(path, geteuid(), getegid()) }
        do throws(CredentialFailure) {
            _ = try CredentialFile(path, kind)
            return nil
        } catch {
            #expect(error.path == path && error.text.hasPrefix(path + ": "))
            return error.reason
        }
    }

    @Test(arguments: [
        (CredentialFile.Kind.privateKey(.match), [0o400, 0o600, 0o640, 0o740] as [mode_t], [0o750, 0o660, 0o644, 0o641, 0o604]),
        (.privateKey(.accept), [0o400, 0o600, 0o700], [0o740, 0o640, 0o610, 0o604]),
        (.certificate, [0o400, 0o644, 0o755], [0o775, 0o664, 0o646, 0o757]),
    ])
    func `modes up to the most are taken, others refused`(
        _ kind: CredentialFile.Kind, _ good: [mode_t], _ bad: [mode_t]
    ) throws {
        for mode in good { #expect(try failure(kind, mode: mode) == nil, "\(String(mode, radix: 8))") }
        for mode in bad {
            guard case .mode(mode, _)? = try failure(kind, mode: mode) else {
                Issue.record("\(String(mode, radix: 8)) is taken")
                continue
            }
        }
    }

    @Test func `the reason names the file, its mode and the most it may be`() throws {
        try scratch.write("key", "x", mode: 0o644)
        _ = try checked("chown") { chown(scratch.path + "/key", geteuid(), getegid()) }
        do throws(CredentialFailure) {
            _ = try CredentialFile(scratch.path + "/key", .privateKey(.match))
        } catch {
            #expect(error.text == "\(scratch.path)/key: its mode is 0644, and may be at most 0740")
        }
    }

    @Test(.enabled(if: geteuid() == 0, "needs root")) func `a file of somebody else is refused`() throws {
        try scratch.write("key", "x", mode: 0o600)
        _ = try checked("chown") { chown(scratch.path + "/key", 4_711, 0) }
        do throws(CredentialFailure) {
            _ = try CredentialFile(scratch.path + "/key", .privateKey(.match))
            Issue.record("taken")
        } catch {
            #expect(error.reason == .owner(4_711))
        }
    }

    @Test func `directories, pipes and what is missing are refused without waiting`() throws {
        try scratch.makeDirectory("directory", mode: 0o700)
        _ = try checked("mkfifo") { mkfifo(scratch.path + "/pipe", 0o600) }
        for name in ["directory", "pipe"] {
            do throws(CredentialFailure) {
                _ = try CredentialFile(scratch.path + "/" + name, .certificate)
                Issue.record("\(name) is taken")
            } catch {
                #expect(error.reason == .notRegular)
            }
        }
        do throws(CredentialFailure) {
            _ = try CredentialFile(scratch.path + "/missing", .certificate)
            Issue.record("what is missing is taken")
        } catch {
            #expect(error.text.hasSuffix("No such file or directory"))
        }
    }

    @Test func `a state of a file differs from the one after its replacement, and equals itself`() throws {
        try scratch.write("a", "one")
        let first = CredentialFile.stamp(of: scratch.path + "/a")
        #expect(first != nil && first == CredentialFile.stamp(of: scratch.path + "/a"))
        try scratch.write("b", "two")
        try Files.rename(scratch.path + "/b", to: scratch.path + "/a")
        #expect(CredentialFile.stamp(of: scratch.path + "/a") != first)
        #expect(CredentialFile.stamp(of: scratch.path + "/missing") == nil)
    }

    @Test func `a link is followed, and what it leads to is what counts`() throws {
        try scratch.write("a", "one", mode: 0o600)
        try scratch.write("b", "two", mode: 0o600)
        for name in ["a", "b"] { _ = try checked("chown") { chown(scratch.path + "/" + name, geteuid(), getegid()) } }
        let link = scratch.path + "/live"
        symlink("a", link)
        let first = try CredentialFile(link, .privateKey(.match)).stamp
        unlink(link)
        symlink("b", link)
        #expect(CredentialFile.stamp(of: link) != first)
    }
}
