import Configuration
import MailSyntax

/// The Sender Rewriting Scheme: senders of forwarded mail in the name of a domain of ours, and the way back.
///
/// A server that forwards mail for its own users sends it in the name of a stranger's domain, which SPF (RFC 7208)
/// forbids. Rewritten, the sender is `SRS0=HHHH=TT=DOMAIN=USER@OURS`: TT the day, HHHH a keyed hash, so that nobody
/// can have us send to an address that we have not made. Who forwards what was forwarded already makes
/// `SRS1=HHHH=FIRST=REST@OURS`, where FIRST is the server that knows the original sender, so that addresses do not
/// grow with each hop. The hash is the one of OpenSMTPD: SHA-1 of the key and all that follows the hash.
package struct SenderRewritingScheme: Sendable {
    /// The first one signs; all of them are accepted.
    private let keys: [[UInt8]]
    /// Days for which an address is accepted.
    private let validDays: Int
    /// Days since 1970.
    private let today: Int64
    private let sha1: @Sendable ([UInt8]) -> [UInt8]

    /// - Parameters:
    ///   - today: Days since 1970-01-01 in UTC.
    ///   - sha1: The hash function.
    package init(_ settings: SRSSettings, today: Int64, sha1: @escaping @Sendable ([UInt8]) -> [UInt8]) {
        keys = [settings.key, settings.backupKey].compactMap { $0.map { Array($0.utf8) } }
        validDays = settings.timeToLiveDays
        self.today = today
        self.sha1 = sha1
    }

    // MARK: There

    /// The sender that replaces another one, in the name of a domain of ours.
    ///
    /// - Returns: Nil when the result would be longer than an address can be.
    package func rewritten(_ sender: MailAddress, inNameOf domain: Domain) -> MailAddress? {
        let text: [UInt8]
        switch Tag(sender.localPart.bytes) {
        case .first(let rest):
            text = sender.domain.lowercased + [Self.equals] + rest
            return address("SRS1", text, at: domain)
        case .further(_, let covered):
            return address("SRS1", covered, at: domain)
        case nil:
            text = Self.timestamp(today) + [Self.equals] + sender.domain.bytes + [Self.equals] + sender.localPart.bytes
            return address("SRS0", text, at: domain)
        }
    }

    private func address(_ tag: String, _ text: [UInt8], at domain: Domain) -> MailAddress? {
        guard let key = keys.first else { return nil }
        let hash = hash(key, text, domain)
        guard let localPart = try? LocalPart(validating: Array(tag.utf8) + [Self.equals] + hash + [Self.equals] + text) else {
            return nil
        }
        return MailAddress(localPart, at: domain)
    }

    // MARK: And back

    /// Where mail for a rewritten address goes; nil when the address is none that this server has made within the
    /// time it is accepted.
    package func original(of address: MailAddress) -> MailAddress? {
        var result = decoded(address)
        // Mail that came back to us and went on once more was rewritten twice.
        for _ in 0..<2 {
            guard let found = result, let further = decoded(found) else { break }
            result = further
        }
        return result
    }

    private func decoded(_ address: MailAddress) -> MailAddress? {
        let hash: ArraySlice<UInt8>
        let covered: [UInt8]
        let isFurther: Bool
        switch Tag(address.localPart.bytes) {
        case .first(let rest):
            // A separator, the hash, another separator.
            guard rest.count > Self.hashLength + 2, rest[rest.startIndex + 1 + Self.hashLength] == Self.equals else { return nil }
            hash = rest.dropFirst().prefix(Self.hashLength)
            covered = Array(rest.dropFirst(Self.hashLength + 2))
            isFurther = false
        case .further(let found, let rest):
            hash = found
            covered = rest
            isFurther = true
        case nil: return nil
        }
        guard keys.contains(where: { areEqual(self.hash($0, covered, address.domain), hash) }) else { return nil }
        return isFurther ? Self.forwarder(covered) : sender(covered)
    }

    /// `FIRST=REST`: the address that FIRST has made.
    private static func forwarder(_ text: [UInt8]) -> MailAddress? {
        guard let (domain, rest) = split(text[...]) else { return nil }
        return try? MailAddress(
            LocalPart(validating: Array("SRS0".utf8) + rest), at: Domain(validating: Array(domain)))
    }

    /// `TT=DOMAIN=USER`.
    private func sender(_ text: [UInt8]) -> MailAddress? {
        guard let (stamp, rest) = Self.split(text[...]), isCurrent(stamp), let (domain, user) = Self.split(rest) else { return nil }
        return try? MailAddress(LocalPart(validating: Array(user)), at: Domain(validating: Array(domain)))
    }

    private static func split(_ text: ArraySlice<UInt8>) -> (ArraySlice<UInt8>, ArraySlice<UInt8>)? {
        guard let separator = text.firstIndex(of: equals) else { return nil }
        return (text[..<separator], text[(separator + 1)...])
    }

    // MARK: Parts

    private static let equals = UInt8(ascii: "=")
    private static let hashLength = 4
    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)
    /// After so many days timestamps begin anew.
    private static let era: Int64 = 1_024

    private static func timestamp(_ day: Int64) -> [UInt8] {
        let value = Int(((day % era) + era) % era)
        return [letters[value >> 5], letters[value & 31]]
    }

    private func isCurrent(_ stamp: ArraySlice<UInt8>) -> Bool {
        guard stamp.count == 2 else { return false }
        var day: Int64 = 0
        for letter in stamp {
            let capital = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(letter) ? letter - 32 : letter
            guard let value = Self.letters.firstIndex(of: capital) else { return false }
            day = day << 5 | Int64(value)
        }
        let age = ((today - day) % Self.era + Self.era) % Self.era
        // A forwarder's clock may be ahead of ours.
        return age <= Int64(validDays) || age == Self.era - 1
    }

    private func hash(_ key: [UInt8], _ text: [UInt8], _ domain: Domain) -> [UInt8] {
        Array(Base64.encoded(sha1(key + text + [UInt8(ascii: "@")] + domain.lowercased)).prefix(Self.hashLength))
    }

    /// In a time that tells nothing about where the two differ.
    private func areEqual(_ a: [UInt8], _ b: ArraySlice<UInt8>) -> Bool {
        a.count == b.count && zip(a, b).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// What a local part that was rewritten begins with.
    private enum Tag {
        /// `SRS0` was there; from its separator on.
        case first(rest: ArraySlice<UInt8>)
        /// `SRS1`, the hash, and what is behind: `FIRST=REST`.
        case further(hash: ArraySlice<UInt8>, covered: [UInt8])

        /// Nil for every other local part.
        init?(_ bytes: [UInt8]) {
            guard bytes.count > 5, bytes.prefix(3).map(asciiLowercased) == Array("srs".utf8) else { return nil }
            guard Self.isSeparator(bytes[4]) else { return nil }
            switch bytes[3] {
            case UInt8(ascii: "0"): self = .first(rest: bytes[4...])
            case UInt8(ascii: "1"):
                guard let (hash, covered) = SenderRewritingScheme.split(bytes[5...]),
                    let (domain, rest) = SenderRewritingScheme.split(covered), let separator = rest.first,
                    Self.isSeparator(separator), (try? Domain(validating: Array(domain))) != nil
                else { return nil }
                self = .further(hash: hash, covered: Array(covered))
            default: return nil
            }
        }

        /// Others separate with the two signs besides; the one that was chosen must stay.
        private static func isSeparator(_ byte: UInt8) -> Bool {
            byte == SenderRewritingScheme.equals || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
        }
    }
}
