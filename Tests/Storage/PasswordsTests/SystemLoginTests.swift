import Authentication
import Cryptography
import Passwords
import Testing

@Suite("Users of the system") struct SystemLoginTests {
    @Test(arguments: ["ada", "ada@example.org", "DOMAIN\\ada", "ada+x", "ädä", "_smtpd", String(repeating: "x", count: 255)])
    func `is a name that may be asked for`(_ name: String) { #expect(SystemLogin.isName(name)) }

    @Test(arguments: ["", "-x", "a b", "a:b", "a/b", "a\nb", "a\0b", "a\u{7F}", String(repeating: "x", count: 256)])
    func `is none`(_ name: String) { #expect(!SystemLogin.isName(name)) }

    @Test func `root is forbidden, and who does not exist is not`() throws {
        #expect(try SystemLogin.isForbidden("root"))
        #expect(try !SystemLogin.isForbidden("nobody-of-that-name"))
    }

    @Test func `an unknown user is wrong, and so is root`() {
        for name in ["nobody-of-that-name", "root"] {
            #expect(SystemLogin.compare(Array("secret".utf8), user: name) != .right)
        }
    }

    @Test func `an account is usable until the day it expires`() {
        let entry = ShadowEntry(hash: "x", expires: 100)
        #expect(entry.isUsable(on: 99))
        #expect(!entry.isUsable(on: 100))
    }

    @Test func `a password is usable for its age and the days after`() {
        let entry = ShadowEntry(hash: "x", lastChange: 10, maximumAge: 5, inactive: 2)
        #expect(entry.isUsable(on: 17))
        #expect(!entry.isUsable(on: 18))
        #expect(ShadowEntry(hash: "x", lastChange: 10, maximumAge: 99_999).isUsable(on: 20_000))
        #expect(!ShadowEntry(hash: "x", lastChange: 0, maximumAge: 99_999).isUsable(on: 20_000))
        #expect(ShadowEntry(hash: "x", lastChange: .max, maximumAge: .max).isUsable(on: 20_000))
    }
}
