/// What can be asked for, by the numbers of RFC 1035 section 3.2.2 and its successors.
package enum DNSType: UInt16, Hashable, Sendable, CaseIterable, CustomStringConvertible {
    case address4 = 1
    case canonicalName = 5
    case pointer = 12
    case mailExchange = 15
    case text = 16
    /// RFC 3596.
    case address6 = 28
    /// RFC 6698.
    case tlsa = 52

    /// As zone files write it.
    package var description: String {
        switch self {
        case .address4: "A"
        case .canonicalName: "CNAME"
        case .pointer: "PTR"
        case .mailExchange: "MX"
        case .text: "TXT"
        case .address6: "AAAA"
        case .tlsa: "TLSA"
        }
    }
}

/// What is asked: a name and a type, in the class of the internet.
package struct DNSQuestion: Hashable, Sendable, CustomStringConvertible {
    package var name: DNSName
    package var type: DNSType

    package init(_ name: DNSName, _ type: DNSType) {
        self.name = name
        self.type = type
    }

    package var description: String { "\(name) \(type)" }
}

/// What a record says.
package enum DNSData: Hashable, Sendable {
    /// An address: four octets, or sixteen.
    case address([UInt8])
    case canonicalName(DNSName)
    case pointer(DNSName)
    /// A host, the lower the preference the better; the root means none (RFC 7505).
    case mailExchange(preference: UInt16, host: DNSName)
    /// The strings of the record as one (RFC 7208 section 3.3 and others read it so).
    case text([UInt8])
    /// Certificate usage, selector, matching type and the data to match (RFC 6698 section 2.1).
    case tlsa(usage: UInt8, selector: UInt8, matching: UInt8, data: [UInt8])

    /// Octets that it takes in memory, about.
    var weight: Int {
        switch self {
        case .address(let octets), .text(let octets), .tlsa(_, _, _, let octets): 64 + octets.count
        case .canonicalName(let name), .pointer(let name), .mailExchange(_, let name): 64 + name.wire.count
        }
    }
}

/// One record of an answer.
struct DNSRecord: Hashable {
    var owner: DNSName
    var type: DNSType
    /// In seconds.
    var timeToLive: UInt32
    var data: DNSData
}
