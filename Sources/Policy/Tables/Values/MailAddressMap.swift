/// A value of the `mailaddrmap` service: the addresses a user may send as, between commas.
package struct MailAddressMap: Hashable, Sendable {
    package let patterns: [MailAddressPattern]

    package init(_ value: String) {
        patterns = Array(value.utf8).split(separator: UInt8(ascii: ",")).compactMap { part in
            let item = trimmed(part)
            return item.isEmpty ? nil : MailAddressPattern(String(decoding: item, as: UTF8.self))
        }
    }

    /// - Parameter sender: `user@domain`, or `@` for the null reverse path.
    package func allows(_ sender: String, delimiter: UInt8) -> Bool {
        patterns.contains { $0.matches(sender, delimiter: delimiter) }
    }
}
