import CCrypt

extension PasswordCrypt {
    /// A method of crypt(5), the best first. Which of them there are the system's library decides.
    package enum Method: String, Hashable, Sendable, CaseIterable {
        case yescrypt
        case gostYescrypt = "gost-yescrypt"
        case scrypt
        case bcrypt
        case sha512 = "sha512"
        case sha256 = "sha256"

        /// What its hashes begin with.
        var prefix: String {
            switch self {
            case .yescrypt: "$y$"
            case .gostYescrypt: "$gy$"
            case .scrypt: "$7$"
            case .bcrypt: "$2b$"
            case .sha512: "$6$"
            case .sha256: "$5$"
            }
        }
    }

    /// The hash of a new password, with a salt of the kernel's randomness and the costs that the library recommends.
    ///
    /// - Parameter method: Nil for the first that the library has.
    /// - Returns: nil when it has not got the method, and for a password that ``hash(_:setting:)`` does not take.
    package static func newHash(of password: [UInt8], method: Method?) -> [UInt8]? {
        for method in method.map({ [$0] }) ?? Method.allCases {
            guard let setting = newSetting(method) else { continue }
            if let hash = hash(password, setting: setting) { return hash }
        }
        return nil
    }

    private static func newSetting(_ method: Method) -> String? {
        var result = [CChar](repeating: 0, count: 192)
        // The call is told how much room the result has, and ends it with a NUL.
        guard martlet_new_setting(method.prefix, &result, CInt(result.count)) == 0 else { return nil }
        return String(decoding: result.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
