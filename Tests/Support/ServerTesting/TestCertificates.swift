import Glibc
import Platform

/// Certificates of a made-up world, made once a run with the openssl command; the daemon's user owns the files.
///
/// `authority` has signed `mail` (RSA), `curve` (ECDSA, the same names as `mail`), `other` (ECDSA, a wildcard),
/// `client` and `expired`; `stranger` is an authority that nobody trusts, and has signed `false-client`. Each name
/// has a certificate in NAME.pem and a private key in NAME.key.
package struct TestCertificates: Sendable {
    package let scratch: Scratch

    package static let shared: Result<TestCertificates, any Error> = Result { try TestCertificates() }

    private init() throws {
        scratch = try Scratch()
        for name in ["authority", "stranger"] {
            try openssl(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=\(name)"
                    + " -keyout \(path("\(name).key")) -out \(path("\(name).pem"))")
        }
        try sign("mail", "rsa:2048", "/CN=mail.example.org", "DNS:mail.example.org,DNS:smtp.example.org,IP:127.0.0.1")
        try sign("curve", Self.curve, "/CN=mail.example.org", "DNS:smtp.example.org,DNS:mail.example.org")
        try sign("other", Self.curve, "/CN=other", "DNS:*.example.net,DNS:example.net")
        try sign("client", Self.curve, "/O=Ada\\, Inc/CN=ada", "email:ada@example.org")
        try sign("false-client", Self.curve, "/CN=eve", "email:eve@example.org", by: "stranger")
        try sign("expired", Self.curve, "/CN=mail.example.org", "DNS:mail.example.org", days: 0)
        for name in try Files.list(scratch.path) {
            _ = try checked("chmod") { chmod(path(name), name.hasSuffix(".key") ? 0o600 : 0o644) }
            try Scratch.giveAway(path(name))
        }
    }

    private static let curve = "ec -pkeyopt ec_paramgen_curve:prime256v1"

    /// The place of a file.
    package func path(_ name: String) -> String { scratch.path + "/" + name }

    /// Makes a certificate and its key; with `into` in another directory than the others.
    package func sign(
        _ name: String, _ key: String = "ec -pkeyopt ec_paramgen_curve:prime256v1", _ subject: String, _ names: String,
        by authority: String = "authority", days: Int = 30, into directory: String? = nil
    ) throws {
        let stem = (directory ?? scratch.path) + "/" + name
        let extensions = try Files.open("\(stem).extensions", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644)
        try Files.writeAll(extensions, Array("subjectAltName=\(names)\n".utf8))
        try openssl(
            ["req", "-new", "-newkey"] + key.split(separator: " ").map(String.init)
                + ["-nodes", "-subj", subject, "-keyout", "\(stem).key", "-out", "\(stem).request"])
        try openssl(
            "x509 -req -in \(stem).request -CA \(path("\(authority).pem")) -CAkey \(path("\(authority).key"))"
                + " -set_serial \(UInt32.random(in: 1...UInt32.max)) -days \(days) -extfile \(stem).extensions -out \(stem).pem")
        try Scratch.giveAway("\(stem).key")
        try Scratch.giveAway("\(stem).pem")
    }
}

/// Runs the openssl command.
@discardableResult
package func openssl(_ words: [String], input: String = "", failing: Bool = false) throws -> Programs.Run {
    let run = try Programs.run("/usr/bin/openssl", words, input: input, environment: ["HOME=/nonexistent"], identity: nil)
    guard failing || run.code == 0 else { throw ServerFailure("openssl \(words): \(run.error)") }
    return run
}

/// The same with words between spaces.
@discardableResult
package func openssl(_ words: String) throws -> Programs.Run { try openssl(words.split(separator: " ").map(String.init)) }
