import CCrypt
import Glibc
import Platform

/// What the shadow database keeps of a user's password (shadow(5)). Root alone may read it.
package struct ShadowEntry: Hashable, Sendable {
    /// A hash of crypt(3); anything else, such as `!` in front, is a locked account.
    package let hash: String
    /// Days since 1970; nil where nothing is set.
    package let lastChange: Int?
    /// Days that a password is good.
    package let maximumAge: Int?
    /// Days after that on which it may still be used.
    package let inactive: Int?
    /// Days since 1970, from which on the account is closed.
    package let expires: Int?

    package init(hash: String, lastChange: Int? = nil, maximumAge: Int? = nil, inactive: Int? = nil, expires: Int? = nil) {
        self.hash = hash
        self.lastChange = lastChange
        self.maximumAge = maximumAge
        self.inactive = inactive
        self.expires = expires
    }

    /// The entry of a user, nil when there is none. May block.
    package static func named(_ name: String) throws(SystemError) -> ShadowEntry? {
        guard !name.utf8.contains(0) else { return nil }
        var entry = martlet_shadow()
        var hash = [CChar](repeating: 0, count: 1024)
        let result = martlet_shadow_entry(name, &entry, &hash, hash.count)
        let code = errno
        guard result >= 0 else { throw SystemError("getspnam \(name)", code: code) }
        guard result == 1 else { return nil }
        func days(_ value: Int) -> Int? { value < 0 ? nil : value }
        return ShadowEntry(
            hash: String(decoding: hash.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self),
            lastChange: days(entry.last_change), maximumAge: days(entry.maximum_age), inactive: days(entry.inactive),
            expires: days(entry.expires))
    }

    /// Whether the password is still good on a day, counted from 1970: the account has not expired, and the
    /// password has neither been set to be changed at once nor grown older than it may.
    package func isUsable(on day: Int) -> Bool {
        if let expires, day >= expires { return false }
        guard let lastChange else { return true }
        if lastChange == 0 { return false }
        guard let maximumAge else { return true }
        // A password past its age may be used for `inactive` days more, and without that field as login(1) does:
        // it would make the user choose a new one, which a mail client cannot.
        let (end, overflow) = lastChange.addingReportingOverflow(maximumAge)
        let (last, overflow2) = end.addingReportingOverflow(inactive ?? 0)
        return overflow || overflow2 || day <= last
    }
}
