import CCrypt

/// crypt(3): hashes of passwords in all the forms that the system's library knows.
package enum PasswordCrypt {
    /// Octets of the longest hash, with room to spare (CRYPT_OUTPUT_SIZE of libxcrypt).
    private static let maximumHash = 512

    /// The hash of a password with the method and the salt of a hash. Takes as long as that wants: a tenth of a
    /// second is usual.
    ///
    /// - Returns: nil when the library does not know the form, and for a password it does not take: one with a
    ///   NUL, or with more than 511 octets.
    package static func hash(_ password: [UInt8], setting: String) -> [UInt8]? {
        guard !password.contains(0), !setting.utf8.contains(0) else { return nil }
        var result = [CChar](repeating: 0, count: maximumHash)
        let text = password.map { CChar(bitPattern: $0) } + [0]
        // Both strings end with a NUL, and the call is told how much room the result has.
        guard martlet_crypt(text, setting, &result, result.count) == 0 else { return nil }
        return result.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    }
}
