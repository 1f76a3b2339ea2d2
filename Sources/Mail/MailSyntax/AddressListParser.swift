/// Reads the address list of a `To`, `Cc`, `Bcc` or `From` field (RFC 5322 section 3.4), in today's
/// and in the obsolete syntax (section 4.4).
///
/// Groups, nested comments, phrases, quoted strings, encoded words, folding and empty list items are
/// understood; display names are skipped, never decoded. The work is linear in the length of the field.
package enum AddressListParser {
    /// One list item that is no address.
    package struct Mistake: Error, Hashable, Sendable {
        /// The item's octets in the field body.
        package let range: Range<Int>
        package let reason: AddressSyntaxError
    }

    /// The mailboxes of a field body in their order, those of groups included.
    ///
    /// An item that is wrong does not hide the others: it is named in `errors`, and reading goes on
    /// behind the next comma.
    ///
    /// - Parameters:
    ///   - body: What follows the colon of the field, folded or not.
    ///   - defaultDomain: Completes addresses that have no domain.
    package static func addresses(
        in body: [UInt8], defaultDomain: Domain
    ) -> (mailboxes: [MailAddress], errors: [Mistake]) {
        var scanner = AddressListScanner(body)
        var mailboxes: [MailAddress] = []
        var errors: [Mistake] = []
        while let item = scanner.next() {
            switch item {
            case .success(let found): mailboxes.append(MailAddress(found.localPart, at: found.domain ?? defaultDomain))
            case .failure(let mistake): errors.append(mistake)
            }
        }
        return (mailboxes, errors)
    }

    /// The field body with `@domain` behind each address that lacks one, byte for byte otherwise.
    ///
    /// Comments, quoted strings, phrases and the names of groups stay as they are, and so does an item
    /// that is no address.
    package static func qualified(_ body: [UInt8], with domain: Domain) -> [UInt8] {
        var scanner = AddressListScanner(body)
        var result: [UInt8] = []
        var copied = 0
        while let item = scanner.next() {
            guard case .success(let found) = item, found.domain == nil else { continue }
            result += body[copied..<found.end]
            result.append(UInt8(ascii: "@"))
            result += domain.bytes
            copied = found.end
        }
        // The usual field has nothing to complete.
        if copied == 0 { return body }
        result += body[copied...]
        return result
    }
}
