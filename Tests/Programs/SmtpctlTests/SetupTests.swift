import Testing

@testable import smtpctl

@Suite("What smtpctl setup writes (smtpctl(8))") struct SetupTests {
    @Test(arguments: ["smtp.example.org", "smtp.example.org:25", "192.0.2.1:465", "a-b.example:65535"])
    func `is a server`(_ text: String) {
        #expect(SetupWish.Smarthost(text) != nil)
    }

    @Test(arguments: [
        "", ":587", "-x.example", ".example", "smtp.example.org:0", "smtp.example.org:65536", "smtp.example.org:", "a b",
        "a\"b", "a\nb", "a/b", "user@smtp.example.org", String(repeating: "a", count: 256),
    ])
    func `is no server`(_ text: String) {
        #expect(SetupWish.Smarthost(text) == nil)
    }

    @Test func `a server without a port is spoken to on 587, encrypted`() throws {
        let server = try #require(SetupWish.Smarthost("smtp.example.org"))
        let text = SetupWish.smarthost(server, hasLogin: true).configuration
        #expect(text.contains("relay host \"smtp+tls://smarthost@smtp.example.org:587\" auth <secrets>"))
        #expect(text.contains("table secrets file:/etc/martlet/secrets"))
    }

    @Test func `port 465 speaks TLS from the first byte`() throws {
        let server = try #require(SetupWish.Smarthost("smtp.example.org:465"))
        #expect(SetupWish.smarthost(server, hasLogin: false).configuration.contains("\"smtps://smtp.example.org:465\""))
    }

    @Test func `only a file that nobody changed is replaced`() {
        let text = SetupWish.local.configuration
        #expect(SetupWish.isUntouched(text))
        #expect(!SetupWish.isUntouched(text + "\n"))
        #expect(!SetupWish.isUntouched(String(text.dropFirst())))
        #expect(!SetupWish.isUntouched(text.replacing("mbox", with: "maildir")))
        #expect(!SetupWish.isUntouched(""))
        #expect(!SetupWish.isUntouched("# Made by smtpctl setup "))
    }

    @Test func `without a wish for it nobody else's mail is relayed`() {
        let certificate = SetupWish.Certificate(file: "/etc/ssl/a.pem", key: "/etc/ssl/a.key")
        for wish in [SetupWish.local, .internet(certificate: nil), .internet(certificate: certificate)] {
            #expect(!wish.configuration.contains("match from any for any"))
        }
    }

    @Test(arguments: [("ada:x", "secret"), ("", "secret"), ("ada", ""), ("ada", "a b"), ("ada", "a\nb"), ("a da", "secret")])
    func `no login that a line cannot hold`(_ user: String, _ password: String) {
        #expect(SetupWish.secret(user: user, password: password) == nil)
    }

    @Test func `a password may have colons`() {
        #expect(SetupWish.secret(user: "ada@example.org", password: "a:b") == "smarthost ada@example.org:a:b\n")
    }

    @Test(arguments: ["relative.pem", "", "/a\"b", "/a\nb", "/a\\"])
    func `no path that could end its string`(_ path: String) {
        #expect(!SetupWish.isFit(path: path))
    }
}
