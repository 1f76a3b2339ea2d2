import Authentication
import Glibc
import Platform
import ProcessMessages
import ServerTesting
import Testing
import WireFormat

@Suite("smtpd -x checker compares one password") struct CheckerTests {
    /// What a checker says, and how it ends. Hashes are compared as an ordinary user.
    private func ask(_ bytes: [UInt8]) throws -> (verdict: PasswordVerdict?, status: Platform.ExitStatus) {
        let pair = try LocalSocket.pair()
        var program = ChildProcess(
            path: Programs.directory + "/smtpd", arguments: ["smtpd", "-x", "checker"], environment: ["SWIFT_BACKTRACE=enable=no"])
        if geteuid() == 0 { program.identity = Identity(uid: 65_534, gid: 65_534, groups: [65_534]) }
        let process = try program.start(extra: pair.second.raw)
        try pair.second.close()
        try Sockets.setTimeout(pair.first.raw, seconds: 20)
        try Sockets.sendAll(pair.first.raw, bytes)
        shutdown(pair.first.raw, CInt(SHUT_WR))
        let answer = try Files.readToEnd(pair.first, limit: 8_192)
        return (try? PasswordVerdict(decoding: answer[...]), try ChildProcess.wait(for: process))
    }

    private func verdict(_ question: PasswordQuestion) throws -> PasswordVerdict? {
        let (verdict, status) = try ask(question.encoded)
        #expect(status.isSuccess)
        return verdict
    }

    @Test(arguments: [
        "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$GmcwIgvdUC9qLWcKCi6gklUa1dM3ziD43YxYNURLKy0",
        "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1",
        "$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA", "$1$saltsalt$9xy1btjgzLYfb7hivXtC//",
        "{BLF-CRYPT}$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a", "abNANd1rDfiNc", "{CRYPT}abNANd1rDfiNc",
    ])
    func `a hash of crypt(3) fits its password and no other`(_ hash: String) throws {
        #expect(try verdict(.stored(hash, password: Array("secret".utf8))) == .right)
        #expect(try verdict(.stored(hash, password: Array("Secret".utf8))) == .wrong)
    }

    @Test func `what crypt(3) does not know fits nothing, and an unknown scheme is named`() throws {
        for hash in ["*", "!", "*0", "$unknown$x$y", "x", "secret"] {
            #expect(try verdict(.stored(hash, password: Array("secret".utf8))) == .wrong)
        }
        #expect(
            try verdict(.stored("{ARGON2ID}x", password: [0x78])) == .unavailable("password scheme ARGON2ID is not known"))
    }

    @Test func `a user who does not exist and one with a bad name do not get in`() throws {
        for name in ["nobody-of-that-name", "-x", "a b", "../shadow", "a:b", "root"] {
            #expect(try verdict(.systemUser(name, password: Array("secret".utf8), client: .v4(1))) != .right)
        }
    }

    @Test func `a question that is none ends it without an answer`() throws {
        for bytes in [[], [9], Array(repeating: 0xFF, count: 9_000)] as [[UInt8]] {
            let (verdict, status) = try ask(bytes)
            #expect(verdict == nil)
            #expect(status == .exited(1))
        }
    }
}
