import MailSyntax

/// An address as the `source` service and the keys of `addrname` write it: IPv4, or IPv6 with or
/// without brackets, with an optional `ipv6:` before it and an optional `%scope` behind it.
package struct SourceAddress: Hashable, Sendable {
    package let address: IPAddress
    /// The interface of a link-local address, by name or number.
    package let scope: String?

    package init?(_ text: some Collection<UInt8>) {
        var rest = Array(text)[...]
        let tag = Array("ipv6:".utf8)
        var isTagged = false
        func dropTag() {
            guard rest.count > tag.count, equalIgnoringASCIICase(rest.prefix(tag.count), tag) else { return }
            isTagged = true
            rest = rest.dropFirst(tag.count)
        }
        dropTag()
        let isBracketed = rest.first == UInt8(ascii: "[")
        if isBracketed {
            guard rest.last == UInt8(ascii: "]"), rest.count > 2 else { return nil }
            rest = rest.dropFirst().dropLast()
            if !isTagged { dropTag() }
        }
        var scope: String?
        if let percent = rest.firstIndex(of: UInt8(ascii: "%")) {
            let name = rest[(percent + 1)...]
            guard !name.isEmpty, name.allSatisfy({ isASCIIAlphanumeric($0) || $0 == 0x2E || $0 == 0x2D || $0 == 0x5F })
            else { return nil }
            scope = String(decoding: name, as: UTF8.self)
            rest = rest[..<percent]
        }
        guard let address = IPAddress(rest) else { return nil }
        if case .v4 = address {
            guard !isTagged, scope == nil else { return nil }
        }
        self.address = address
        self.scope = scope
    }

    package init?(_ text: String) { self.init(text.utf8) }
}
