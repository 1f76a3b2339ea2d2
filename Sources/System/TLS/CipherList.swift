import COpenSSL

/// What an operator says of ciphers, as the library wants to hear it.
///
/// Whatever is said, a cipher without forward secrecy, authentication or encryption is out, and so are those that
/// have been broken.
struct CipherList {
    /// What is used when nothing is said.
    static let standard = "HIGH:!aNULL:!MD5"
    private static let excluded = ":!kRSA:!kPSK:!kSRP:!kECDHr:!kECDHe:!aNULL:!eNULL:!aDSS:!RC4:!3DES:!DES:!IDEA:!SEED:!MD5:!EXP:!LOW"

    /// For TLS 1.2.
    private let list: String
    /// For TLS 1.3, which has names of its own; nil for the library's.
    private let suites: String?
    /// As it was written.
    private let text: String

    init(_ text: String?, allowsFiniteFields: Bool, isLenient: Bool) {
        let text = text ?? Self.standard
        self.text = text
        let words = text.utf8.split(separator: UInt8(ascii: ":")).map { String(decoding: $0, as: UTF8.self) }
        let suites = words.filter { $0.hasPrefix("TLS_") }
        self.suites = suites.isEmpty ? nil : suites.joined(separator: ":")
        let rest = words.filter { !$0.hasPrefix("TLS_") }.map(Self.expanded)
        list =
            (rest.isEmpty ? Self.standard : rest.joined(separator: ":")) + Self.excluded
            + (allowsFiniteFields ? "" : ":!kDHE") + (isLenient ? ":@SECLEVEL=1" : "")
    }

    /// The words of libtls for whole lists.
    private static func expanded(_ word: String) -> String {
        switch word {
        case "secure", "default": "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20"
        case "compat": "HIGH:!aNULL"
        case "legacy": "HIGH:MEDIUM:!aNULL"
        case "insecure", "all": "ALL:!aNULL:!eNULL"
        default: word
        }
    }

    func apply(to context: OpaquePointer) throws(TLSSetupFailure) {
        ERR_clear_error()
        guard SSL_CTX_set_cipher_list(context, list) == 1 else { throw failure() }
        if let suites, SSL_CTX_set_ciphersuites(context, suites) != 1 { throw failure() }
    }

    private func failure() -> TLSSetupFailure {
        ERR_clear_error()
        return .noCiphers(text)
    }
}
