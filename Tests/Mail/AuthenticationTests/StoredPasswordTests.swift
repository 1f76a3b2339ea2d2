import Authentication
import MailSyntax
import Passwords
import Testing

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

private func matches(_ stored: StoredPassword, _ password: String) -> Bool {
    stored.matches(bytes(password), with: .libcrypto, crypt: { _, _ in nil })
}

@Suite("Stored passwords with a {SCHEME}") struct StoredPasswordTests {
    /// Of the password `secret`, made with Python's hashlib; the salts are `salt`.
    static let samples = [
        "{PLAIN}secret", "{CLEARTEXT}secret", "{clear}secret", "{PLAIN.B64}c2VjcmV0", "{PLAIN.HEX}736563726574",
        "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "{SHA1.HEX}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4",
        "{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=",
        "{SHA256.hex}2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
        "{PLAIN-MD5}5ebe2294ecd0e0f08eab7690d2a6ee69", "{LDAP-MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==",
        "{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0", "{SSHA256}+E+iFJ27Yu1ODPH1UNKUmzOmUT06dwfghQJRHHnMsO5zYWx0", "{SSHA512}E491yrR9AdCoE7rbOPYS3EZgSuZpVE65AD9xko08s6floNesY/Zpe9zMVvLix4S2FiQSJ99RIkNvhHomNO9uL3NhbHQ=", "{SMD5}mc0uWpXVVe5747A4pKhGJXNhbHQ=", "{SHA512}vSsar3708Jvp9Szi2NWZZ02Bqp1qRCFpbcTZPdBhnWgs5WtNZKnvCXdhztmeD2cmW192CF5bDufKRpayrW/isg==",
        "{SCRAM-SHA-256}4096,c2FsdA==,ZgOBnT3e4m6ug0RaWAjT+wbbWyjyg4tRSVs5YRrlckg=,aIEiGy0bV5Pa1w1/Ak6ms8TZoqDzKpnevZGpLsFZbek=", "{SCRAM-SHA-1}4096,c2FsdA==,+Uwd8vIS96/t6+orwMdYlJhbdzQ=,Wi3kYFuOyCe59fb/lPgMdbSa9ac=", "{PBKDF2}$1$salt$1000$fa7bab9eff3a06a5271ccfb9b6d8728d0c7a334d",
    ]

    @Test(arguments: samples)
    func `fits its password and no other`(_ text: String) throws {
        let stored = try StoredPassword(parsing: text)
        #expect(matches(stored, "secret"))
        #expect(!matches(stored, "Secret"))
        #expect(!matches(stored, "secretsalt"))
        #expect(!matches(stored, ""))
        #expect(!matches(stored, text))
    }

    @Test func `without a scheme it is a hash of crypt(3), never the password`() throws {
        #expect(try StoredPassword(parsing: "secret") == .crypt("secret"))
        #expect(!matches(try StoredPassword(parsing: "secret"), "secret"))
        #expect(try StoredPassword(parsing: "$2b$05$abc") == .crypt("$2b$05$abc"))
        #expect(try StoredPassword(parsing: "{BLF-CRYPT}$2b$05$abc") == .crypt("$2b$05$abc"))
        #expect(try StoredPassword(parsing: "{SHA512-CRYPT}$6$x$y") == .crypt("$6$x$y"))
    }

    @Test func `crypt(3) is asked with the hash as setting, and its answer compared whole`() throws {
        let stored = try StoredPassword(parsing: "{CRYPT}$x$hash")
        #expect(stored.matches(bytes("p"), with: .libcrypto) { $0 == bytes("p") && $1 == "$x$hash" ? bytes("$x$hash") : nil })
        #expect(!stored.matches(bytes("p"), with: .libcrypto) { _, _ in bytes("$x$has") })
        // The sign of failure of crypt(3) must not fit a hash that looks like it.
        #expect(!stored.matches(bytes("p"), with: .libcrypto) { _, _ in nil })
    }

    @Test(arguments: ["{ARGON2ID}$argon2id$x", "{NTLM}x", "{}x", "{.HEX}x", "{SHA.ROT13}x"])
    func `a scheme that is not known is named, not taken for something else`(_ text: String) {
        #expect {
            try StoredPassword(parsing: text)
        } throws: { error in
            if case .unknownScheme = error as? StoredPassword.Failure { true } else { false }
        }
    }

    @Test(arguments: [
        "{SHA}", "{SHA}AAAA", "{SHA256}5en6G6MezRroT3XKqkdPOmY/BfQ=", "{SSHA512}5en6G6MezRroT3XKqkdPOmY/BfQ=", "{PLAIN}",
        "{PLAIN-MD5}xyz", "{CRYPT}", "{CRYPT.B64}aa", "{SCRAM-SHA-256}4096,c2FsdA==,AAAA,AAAA", "{SCRAM-SHA-256}0,,,",
        "{PBKDF2}$1$salt$0$4b007901b765489abead49d926f721d065a429c1", "{PBKDF2}$2$salt$1$00", "{PLAIN.HEX}7",
    ])
    func `what does not fit its scheme is refused`(_ text: String) {
        #expect {
            try StoredPassword(parsing: text)
        } throws: { error in
            if case .malformed = error as? StoredPassword.Failure { true } else { false }
        }
    }

    @Test func `slow forms are told from quick ones`() throws {
        #expect(try !StoredPassword(parsing: "$6$x$y").isQuick)
        #expect(try StoredPassword(parsing: "{PLAIN}x").isQuick)
        let quick = "{PBKDF2}$1$salt$5000$4b007901b765489abead49d926f721d065a429c1"
        #expect(try StoredPassword(parsing: quick).isQuick)
        #expect(try !StoredPassword(parsing: quick.replacing("5000", with: "5001")).isQuick)
    }

    @Test func `keys for SCRAM come from keys and plain text alone`() throws {
        let keys = SCRAMKeys(deriving: bytes("secret"), salt: bytes("salt"), iterations: 4096, with: .libcrypto)
        #expect(try StoredPassword(parsing: "{PLAIN}secret").scramKeys(salt: bytes("salt"), with: .libcrypto) == keys)
        let text = [keys.salt, keys.storedKey, keys.serverKey].map { String(decoding: Base64.encoded($0), as: UTF8.self) }
        let stored = try StoredPassword(parsing: "{SCRAM-SHA-256}4096," + text.joined(separator: ","))
        #expect(stored.scramKeys(salt: [], with: .libcrypto) == keys)
        for text in ["$6$x$y", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="] {
            #expect(try StoredPassword(parsing: text).scramKeys(salt: bytes("salt"), with: .libcrypto) == nil)
        }
    }
}
