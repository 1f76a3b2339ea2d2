import MailSyntax

/// An entry of the `mailaddr` service: `user`, `@domain`, `user@domain`, `user@*.domain`, or `@` for all.
///
/// A user without the sub-address delimiter means that user with any tag; a user with it means that
/// tag only. The null reverse path is asked for as `@`, which only the pattern `@` matches.
package struct MailAddressPattern: Hashable, Sendable {
    /// In lower case, empty for any user.
    package let user: [UInt8]
    /// Nil for any domain.
    package let domain: WildcardPattern?

    /// - Parameter user: In lower case.
    init(user: ArraySlice<UInt8>, domain: WildcardPattern?) {
        self.user = Array(user)
        self.domain = domain
    }

    package init(_ text: String) {
        let (user, domain) = splitAddress(Array(text.utf8)[...])
        self.user = user.map(asciiLowercased)
        self.domain = domain.isEmpty ? nil : WildcardPattern(domain)
    }

    /// - Parameter address: `user@domain`, or `@` for the null reverse path.
    package func matches(_ address: String, delimiter: UInt8) -> Bool {
        matches(AddressKey(TableKey(address), delimiter: delimiter), delimiter: delimiter)
    }

    func matches(_ key: AddressKey, delimiter: UInt8) -> Bool {
        if user.isEmpty && domain == nil { return true }
        if let domain {
            guard !key.domain.isEmpty, domain.matches(key.domain) else { return false }
        }
        if user.isEmpty { return true }
        return user.contains(delimiter) ? key.user.elementsEqual(user) : key.untaggedUser.elementsEqual(user)
    }
}

/// The parts of an address that is looked for, in lower case.
struct AddressKey {
    let user: ArraySlice<UInt8>
    /// The user up to the sub-address delimiter; all of it when the delimiter comes first.
    let untaggedUser: ArraySlice<UInt8>
    let domain: ArraySlice<UInt8>

    init(_ key: TableKey, delimiter: UInt8) {
        (user, domain) = splitAddress(key.bytes[...])
        untaggedUser = splitSubaddress(user, delimiter: delimiter).user
    }
}

/// The parts before and after the last `@`; without one everything is user.
func splitAddress(_ bytes: ArraySlice<UInt8>) -> (user: ArraySlice<UInt8>, domain: ArraySlice<UInt8>) {
    guard let at = bytes.lastIndex(of: UInt8(ascii: "@")) else { return (bytes, []) }
    return (bytes[..<at], bytes[(at + 1)...])
}

/// Splits `user+tag` at the first delimiter (RFC 5233). A delimiter in the first place splits nothing:
/// there would be no user left.
///
/// - Returns: The user, and the tag when there is a delimiter; the tag may be empty.
package func splitSubaddress(
    _ name: ArraySlice<UInt8>, delimiter: UInt8
) -> (user: ArraySlice<UInt8>, tag: ArraySlice<UInt8>?) {
    guard let at = name.firstIndex(of: delimiter), at > name.startIndex else { return (name, nil) }
    return (name[..<at], name[(at + 1)...])
}
