/// A question as it reached a test's name server.
package struct NameServerQuery: Sendable {
    package let bytes: [UInt8]
    package let isOverTCP: Bool

    package init(_ bytes: [UInt8], isOverTCP: Bool = false) {
        self.bytes = bytes
        self.isOverTCP = isOverTCP
    }

    /// As it was written, capitals and all.
    package var name: String {
        var labels: [String] = []
        var at = 12
        while at < bytes.count, bytes[at] > 0 {
            let end = min(at + 1 + Int(bytes[at]), bytes.count)
            labels.append(String(decoding: bytes[(at + 1)..<end], as: UTF8.self))
            at = end
        }
        return labels.joined(separator: ".")
    }

    package var type: UInt16 {
        let end = questionEnd
        return end >= 4 && end <= bytes.count ? UInt16(bytes[end - 4]) << 8 | UInt16(bytes[end - 3]) : 0
    }

    /// Whether there is an additional record, and then it is EDNS.
    package var usesEDNS: Bool { bytes.count > 11 && bytes[11] == 1 }

    /// Whether the client wants to know if the answer is authentic.
    package var wantsAuthenticity: Bool { bytes.count > 3 && bytes[3] & 0x20 != 0 }

    private var questionEnd: Int { 12 + wireName(name).count + 4 }

    /// A message with the same number and question.
    package func reply(
        code: UInt8 = 0, isTruncated: Bool = false, isAuthentic: Bool = false, answers: [NameServerRecord] = [],
        authority: [NameServerRecord] = [], additional: [NameServerRecord] = []
    ) -> [UInt8] {
        var message = Array(bytes.prefix(2))
        message += [0x81 | (isTruncated ? 2 : 0), 0x80 | (isAuthentic ? 0x20 : 0) | code, 0, 1]
        for section in [answers, authority, additional] { message += octets(of: UInt16(section.count)) }
        message += bytes[12..<questionEnd]
        for record in answers + authority + additional { message += record.bytes }
        return message
    }

    /// What a resolver with these records answers: aliases followed, absences with the start of authority.
    package func reply(from zone: [NameServerRecord], minimum: UInt32 = 60) -> [UInt8] {
        var owner = name.lowercased()
        var answers: [NameServerRecord] = []
        while type != 5, answers.count < 20, let alias = zone.first(where: { $0.type == 5 && $0.owner == owner }) {
            answers.append(alias)
            owner = NameServerQuery([UInt8](repeating: 0, count: 12) + alias.data).name
        }
        let found = zone.filter { $0.owner == owner && $0.type == type }
        let exists = zone.contains { $0.owner == owner || $0.owner.hasSuffix("." + owner) }
        return reply(
            code: exists ? 0 : 3, answers: answers + found,
            authority: found.isEmpty ? [.soa("example", minimum: minimum)] : [])
    }
}
