import MailSyntax

/// Recipients in their order, each mailbox once however often it is named.
package struct RecipientList: Hashable, Sendable {
    package private(set) var addresses: [MailAddress] = []
    /// The items that are no address, as they were written.
    package private(set) var invalid: [[UInt8]] = []
    private var known: Set<MailAddress> = []

    package init() {}

    /// Adds the addresses of a list as it stands in a header field or an argument.
    package mutating func add(_ list: [UInt8], domain: Domain) {
        let (mailboxes, errors) = AddressListParser.addresses(in: list, defaultDomain: domain)
        for mailbox in mailboxes { add(mailbox) }
        for error in errors where list.indices.contains(error.range.lowerBound) {
            invalid.append(Array(list[error.range.clamped(to: list.indices)]))
        }
    }

    package mutating func add(_ other: RecipientList) {
        for address in other.addresses { add(address) }
        invalid += other.invalid
    }

    private mutating func add(_ address: MailAddress) {
        // RFC 6531 section 3.3: what is not ASCII is UTF-8; no server takes anything else.
        guard String(validating: address.bytes, as: UTF8.self) != nil else {
            invalid.append(address.bytes)
            return
        }
        if known.insert(address).inserted { addresses.append(address) }
    }

    /// True when nothing was named, not even something wrong.
    package var isEmpty: Bool { addresses.isEmpty && invalid.isEmpty }
}
