import MailSyntax

/// A password as a table holds it: a crypt(3) hash, or a `{SCHEME}` in front as Dovecot writes it.
///
/// Without a scheme it is always a crypt(3) hash, never the password itself. A scheme may name the coding of
/// what follows: `{SHA256.HEX}`, `{SHA256.B64}`, `{SHA256.BASE64}`.
package enum StoredPassword: Hashable, Sendable {
    /// The password itself: `{PLAIN}`, `{CLEAR}`, `{CLEARTEXT}`.
    case plain([UInt8])
    /// A hash of crypt(3): none, `{CRYPT}`, `{BLF-CRYPT}`, `{SHA256-CRYPT}`, `{SHA512-CRYPT}`, `{MD5-CRYPT}`, `{DES-CRYPT}`.
    case crypt(String)
    /// The hash of the password with the salt behind it: `{SHA}`, `{SHA256}`, `{SHA512}`, `{PLAIN-MD5}`,
    /// `{LDAP-MD5}` without, `{SSHA}`, `{SSHA256}`, `{SSHA512}`, `{SMD5}` with one.
    case digest(HashAlgorithm, hash: [UInt8], salt: [UInt8])
    /// `{SCRAM-SHA-256}` and `{SCRAM-SHA-1}`: `iterations,salt,stored key,server key`.
    case scram(SCRAMKeys)
    /// `{PBKDF2}`: `$1$salt$iterations$hash`, with HMAC-SHA-1.
    case derived(salt: [UInt8], iterations: Int, hash: [UInt8])

    package enum Failure: Error, Hashable, Sendable {
        /// A scheme not known here.
        case unknownScheme(String)
        /// What follows the scheme does not fit it.
        case malformed(scheme: String)
    }

    /// Iterations up to which a comparison is done on the spot: about two milliseconds.
    private static let quickIterations = 5_000
    private static let maximumIterations = 10_000_000

    /// - Parameter text: As the table gave it.
    package init(parsing text: String) throws(Failure) {
        let bytes = Array(text.utf8)
        guard bytes.first == UInt8(ascii: "{"), let end = bytes.firstIndex(of: UInt8(ascii: "}")) else {
            self = .crypt(text)
            return
        }
        let name = String(decoding: bytes[1..<end], as: UTF8.self).uppercased()
        let value = bytes[(end + 1)...]
        let parts = name.split(separator: ".", maxSplits: 1)
        guard let first = parts.first else { throw .unknownScheme(String(name.prefix(32))) }
        let scheme = String(first)
        let coding = parts.count == 2 ? String(parts[1]) : nil
        guard coding == nil || ["HEX", "B64", "BASE64"].contains(coding) else {
            throw .unknownScheme(String(name.prefix(32)))
        }
        guard let stored = try Self.stored(scheme, coding, value) else { throw .malformed(scheme: scheme) }
        self = stored
    }

    /// True when comparing takes a moment only; else it is work for a process that may be slow.
    package var isQuick: Bool {
        switch self {
        case .plain, .digest: true
        case .crypt: false
        case .scram(let keys): keys.iterations <= Self.quickIterations
        case .derived(_, let iterations, _): iterations <= Self.quickIterations
        }
    }

    /// Compares, without telling by its time where the two differ.
    ///
    /// - Parameter crypt: crypt(3) of a password with a hash as its setting; nil when it does not know the
    ///   form of the hash.
    package func matches(
        _ password: [UInt8], with functions: HashFunctions, crypt: (_ password: [UInt8], _ setting: String) -> [UInt8]?
    ) -> Bool {
        switch self {
        case .plain(let right):
            // Hashed first, so that the time does not tell the length either.
            return functions.areEqual(functions.hash(.sha256, password), functions.hash(.sha256, right))
        case .crypt(let right):
            guard let hash = crypt(password, right) else { return false }
            return functions.areEqual(hash, Array(right.utf8))
        case .digest(let algorithm, let hash, let salt):
            return functions.areEqual(functions.hash(algorithm, password + salt), hash)
        case .scram(let keys):
            guard let prepared = try? SASLPreparation.prepared(password) else { return false }
            let found = SCRAMKeys(
                deriving: prepared, salt: keys.salt, iterations: keys.iterations, algorithm: keys.algorithm, with: functions)
            return functions.areEqual(found.storedKey, keys.storedKey)
        case .derived(let salt, let iterations, let hash):
            return functions.areEqual(functions.derive(.sha1, password, salt, iterations), hash)
        }
    }

    /// Keys for SCRAM-SHA-256, when this form allows it. Costs ``SCRAMKeys/minimumIterations`` hashes for a
    /// password in plain text.
    ///
    /// - Parameter salt: For a password in plain text: the same for the same user each time, else a client could
    ///   tell it from a decoy.
    package func scramKeys(salt: @autoclosure () -> [UInt8], with functions: HashFunctions) -> SCRAMKeys? {
        switch self {
        case .scram(let keys):
            return keys.algorithm == .sha256 ? keys : nil
        case .plain(let password):
            guard let prepared = try? SASLPreparation.prepared(password) else { return nil }
            return SCRAMKeys(deriving: prepared, salt: salt(), iterations: SCRAMKeys.minimumIterations, with: functions)
        case .crypt, .digest, .derived:
            return nil
        }
    }

    // MARK: Parsing

    private static func stored(_ scheme: String, _ coding: String?, _ value: ArraySlice<UInt8>) throws(Failure) -> Self? {
        switch scheme {
        case "PLAIN", "CLEAR", "CLEARTEXT":
            guard let bytes = coding == nil ? Array(value) : decoded(value, coding), !bytes.isEmpty else { return nil }
            return .plain(bytes)
        case "CRYPT", "BLF-CRYPT", "SHA256-CRYPT", "SHA512-CRYPT", "MD5-CRYPT", "DES-CRYPT":
            guard coding == nil, !value.isEmpty else { return nil }
            return .crypt(String(decoding: value, as: UTF8.self))
        case "SHA", "SHA1": return digest(.sha1, salted: false, value, coding)
        case "SHA256": return digest(.sha256, salted: false, value, coding)
        case "SHA512": return digest(.sha512, salted: false, value, coding)
        case "PLAIN-MD5": return digest(.md5, salted: false, value, coding ?? "HEX")
        case "LDAP-MD5": return digest(.md5, salted: false, value, coding)
        case "SSHA": return digest(.sha1, salted: true, value, coding)
        case "SSHA256": return digest(.sha256, salted: true, value, coding)
        case "SSHA512": return digest(.sha512, salted: true, value, coding)
        case "SMD5": return digest(.md5, salted: true, value, coding)
        case "SCRAM-SHA-1": return scram(.sha1, value)
        case "SCRAM-SHA-256": return scram(.sha256, value)
        case "PBKDF2": return derived(value)
        default: throw .unknownScheme(String(scheme.prefix(32)))
        }
    }

    private static func digest(
        _ algorithm: HashAlgorithm, salted: Bool, _ value: ArraySlice<UInt8>, _ coding: String?
    ) -> Self? {
        guard let bytes = decoded(value, coding ?? "B64"), bytes.count >= algorithm.length,
            salted || bytes.count == algorithm.length
        else { return nil }
        return .digest(
            algorithm, hash: Array(bytes.prefix(algorithm.length)), salt: Array(bytes.dropFirst(algorithm.length)))
    }

    private static func scram(_ algorithm: HashAlgorithm, _ value: ArraySlice<UInt8>) -> Self? {
        let fields = value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard fields.count == 4, let iterations = iterations(fields[0]), let salt = Base64.decoded(fields[1]), !salt.isEmpty,
            let storedKey = Base64.decoded(fields[2]), storedKey.count == algorithm.length,
            let serverKey = Base64.decoded(fields[3]), serverKey.count == algorithm.length
        else { return nil }
        return .scram(
            SCRAMKeys(
                algorithm: algorithm, salt: salt, iterations: iterations, storedKey: storedKey, serverKey: serverKey))
    }

    private static func derived(_ value: ArraySlice<UInt8>) -> Self? {
        let fields = value.split(separator: UInt8(ascii: "$"), omittingEmptySubsequences: false)
        guard fields.count == 5, fields[0].isEmpty, fields[1].elementsEqual("1".utf8), !fields[2].isEmpty,
            let iterations = iterations(fields[3]), let hash = hexadecimal(fields[4]), hash.count == HashAlgorithm.sha1.length
        else { return nil }
        return .derived(salt: Array(fields[2]), iterations: iterations, hash: hash)
    }

    private static func iterations(_ digits: ArraySlice<UInt8>) -> Int? {
        guard !digits.isEmpty, digits.count <= 8, digits.allSatisfy(isASCIIDigit) else { return nil }
        let value = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        return (1...maximumIterations).contains(value) ? value : nil
    }

    private static func decoded(_ value: ArraySlice<UInt8>, _ coding: String?) -> [UInt8]? {
        coding == "HEX" ? hexadecimal(value) : Base64.decoded(value)
    }

    private static func hexadecimal(_ digits: ArraySlice<UInt8>) -> [UInt8]? {
        guard digits.count % 2 == 0 else { return nil }
        var result: [UInt8] = []
        var rest = digits
        while let high = rest.popFirst(), let low = rest.popFirst() {
            guard let upper = nibble(high), let lower = nibble(low) else { return nil }
            result.append(upper << 4 | lower)
        }
        return result
    }

    private static func nibble(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
