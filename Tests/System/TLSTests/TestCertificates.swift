import Glibc
import Platform
import ServerTesting
import Testing

@testable import TLS

/// Certificates of a made-up world, made once a run with the openssl command.
///
/// `authority` has signed `mail` (RSA), `curve` (ECDSA, the same names as `mail`), `other` (ECDSA, a wildcard),
/// `client` and `expired`; `stranger` is an authority that nobody trusts, and has signed `false-client`.
struct TestCertificates {
    let scratch: Scratch

    static let shared: Result<TestCertificates, any Error> = Result { try TestCertificates() }

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
        try sign("expired", Self.curve, "/CN=mail.example.org", "DNS:mail.example.org", days: "-not_before 20200101000000Z")
    }

    private static let curve = "ec -pkeyopt ec_paramgen_curve:prime256v1"

    func path(_ name: String) -> String { scratch.path + "/" + name }

    private func sign(
        _ name: String, _ key: String, _ subject: String, _ names: String, by authority: String = "authority",
        days: String? = nil
    ) throws {
        let (request, extensions) = (path("\(name).request"), path("\(name).extensions"))
        try scratch.write("\(name).extensions", "subjectAltName=\(names)\n")
        try openssl(
            ["req", "-new", "-newkey"] + key.split(separator: " ").map(String.init)
                + ["-nodes", "-subj", subject, "-keyout", path("\(name).key"), "-out", request])
        // -days takes no negative number; a certificate of the past is one of zero days.
        let days = days == nil ? "30" : "0"
        try openssl(
            "x509 -req -in \(request) -CA \(path("\(authority).pem")) -CAkey \(path("\(authority).key"))"
                + " -set_serial \(UInt32.random(in: 1...UInt32.max)) -days \(days) -extfile \(extensions) -out \(path("\(name).pem"))")
    }

    func pem(_ name: String) throws -> [UInt8] { try Files.read(path("\(name).pem")) }

    func chain(_ name: String) throws -> CertificateChain { try CertificateChain(pem: try pem(name)) }

    func trusted(_ name: String = "authority") throws -> TrustedCertificates { try TrustedCertificates(pem: try pem(name)) }

    func key(_ name: String) throws -> PrivateKey {
        try PrivateKey(pem: try SecretBytes(contentsOf: try Files.open(path("\(name).key"), O_RDONLY), limit: 65_536))
    }
}

/// Runs the openssl command.
@discardableResult
func openssl(_ words: [String], input: String = "", failing: Bool = false) throws -> Programs.Run {
    let run = try Programs.run("/usr/bin/openssl", words, input: input, environment: ["HOME=/nonexistent"], identity: nil)
    guard failing || run.code == 0 else { throw ServerFailure("openssl \(words): \(run.error)") }
    return run
}

@discardableResult
func openssl(_ words: String) throws -> Programs.Run { try openssl(words.split(separator: " ").map(String.init)) }
