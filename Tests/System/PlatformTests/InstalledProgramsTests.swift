import Platform
import Testing

@Suite("Where the programs of an installation are") struct InstalledProgramsTests {
    @Test(arguments: ["/usr", "/usr/local", "/opt/mail server", ""])
    func `in libexec of the prefix of the running one`(_ prefix: String) {
        let programs = InstalledPrograms(program: prefix + "/sbin/smtpd", exists: { _ in false })
        #expect(programs.daemon == prefix + "/sbin/smtpd")
        #expect(programs.libexec == prefix + "/libexec/martlet")
        #expect(programs.offlineHelper == prefix + "/libexec/martlet/sendmail-offline")
    }

    @Test func `beside it where it was built`() {
        let programs = InstalledPrograms(program: "/src/.build/debug/sendmail", exists: { $0 == "/src/.build/debug/mail.agent" })
        #expect(programs.agent == "/src/.build/debug/mail.agent")
        #expect(programs.offlineHelper == "/src/.build/debug/sendmail-offline")
    }

    @Test func `a strange path is no reason to fail`() {
        for path in ["", "smtpd", "/smtpd", "/", "//", "/usr/sbin/smtpd (deleted)"] {
            _ = InstalledPrograms(program: path, exists: { _ in false })
        }
    }
}
