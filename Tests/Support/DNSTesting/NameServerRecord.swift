/// One record as a test's name server sends it; types are numbers, so that there can be wrong ones.
package struct NameServerRecord: Sendable {
    package var owner: String
    package var type: UInt16
    package var timeToLive: UInt32
    package var data: [UInt8]

    package init(_ owner: String, type: UInt16, timeToLive: UInt32 = 300, data: [UInt8]) {
        self.owner = owner
        self.type = type
        self.timeToLive = timeToLive
        self.data = data
    }

    package static func a(_ owner: String, _ address: String, timeToLive: UInt32 = 300) -> Self {
        Self(owner, type: 1, timeToLive: timeToLive, data: address.split(separator: ".").map { UInt8($0)! })
    }

    package static func aaaa(_ owner: String, _ octets: [UInt8], timeToLive: UInt32 = 300) -> Self {
        Self(owner, type: 28, timeToLive: timeToLive, data: octets)
    }

    package static func mx(_ owner: String, _ preference: UInt16, _ host: String, timeToLive: UInt32 = 300) -> Self {
        Self(owner, type: 15, timeToLive: timeToLive, data: octets(of: preference) + wireName(host))
    }

    package static func cname(_ owner: String, _ target: String, timeToLive: UInt32 = 300) -> Self {
        Self(owner, type: 5, timeToLive: timeToLive, data: wireName(target))
    }

    package static func ptr(_ owner: String, _ target: String) -> Self { Self(owner, type: 12, data: wireName(target)) }

    package static func txt(_ owner: String, _ strings: [String]) -> Self {
        Self(owner, type: 16, data: strings.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) })
    }

    package static func tlsa(_ owner: String, _ data: [UInt8]) -> Self { Self(owner, type: 52, data: data) }

    package static func soa(_ owner: String, minimum: UInt32, timeToLive: UInt32 = 3600) -> Self {
        let numbers: [UInt32] = [1, 7200, 3600, 1_209_600, minimum]
        return Self(
            owner, type: 6, timeToLive: timeToLive,
            data: wireName("ns.example") + wireName("hostmaster.example") + numbers.flatMap { octets(of: $0) })
    }

    package var bytes: [UInt8] {
        wireName(owner) + octets(of: type) + [0, 1] + octets(of: timeToLive) + octets(of: UInt16(data.count)) + data
    }
}

/// A name in the form of messages, uncompressed; nothing about it is checked.
package func wireName(_ text: String) -> [UInt8] {
    text.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
}

package func octets<Value: FixedWidthInteger>(of value: Value) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }
