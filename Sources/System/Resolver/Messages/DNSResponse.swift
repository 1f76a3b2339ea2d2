/// A server's message, read as the answer to one question.
///
/// It has been compared with the query before (``DNSQuery/match(_:)``); here its content is read, all of it, and
/// only what belongs to the question is believed.
package struct DNSResponse: Sendable {
    /// With the upper bits of EDNS (RFC 6891 section 6.1.3).
    package private(set) var code: UInt16
    /// The rest did not fit into a datagram; there is nothing to be had from this one.
    package let isTruncated: Bool
    /// The server says that it has validated the answer (RFC 4035 section 3.2.3).
    package let isAuthentic: Bool
    /// Those of types we know, of the answer section.
    private var records: [DNSRecord] = []
    /// How long the absence of something may be remembered, in seconds; 0 when the server does not say.
    private var negativeTimeToLive: UInt32 = 0

    /// Aliases that are followed from the name that was asked for.
    package static let maximumAliases = 8
    /// The longest time an answer is kept, in seconds, whatever it says.
    package static let maximumTimeToLive: UInt32 = 86_400
    /// The longest time an absence is kept, in seconds: a name that was made in the meantime appears then.
    package static let maximumNegativeTimeToLive: UInt32 = 900

    static let noError: UInt16 = 0
    static let formatError: UInt16 = 1
    static let serverFailure: UInt16 = 2
    static let nameError: UInt16 = 3
    static let notImplemented: UInt16 = 4
    static let refused: UInt16 = 5
    static let badVersion: UInt16 = 16

    /// Reads a message of any length.
    ///
    /// A truncated one is not read beyond the header, for it may end anywhere. Octets behind the last record are
    /// passed over.
    package init(_ message: [UInt8]) throws(MalformedMessage) {
        var reader = DNSMessageReader(message)
        _ = try reader.readUInt16()
        let flags = try reader.readUInt16()
        // A response to a standard query.
        guard flags & 0xF800 == 0x8000 else { throw .notAResponse }
        code = flags & 0x000F
        isTruncated = flags & 0x0200 != 0
        isAuthentic = flags & 0x0020 != 0
        let questions = try reader.readUInt16()
        let counts = (try reader.readUInt16(), try reader.readUInt16(), try reader.readUInt16())
        guard questions == 1 else { throw .wrongQuestion }
        if isTruncated { return }
        _ = try reader.readName()
        _ = try reader.readUInt32()
        for _ in 0..<counts.0 {
            if let record = try Self.readRecord(from: &reader) { records.append(record) }
        }
        for _ in 0..<counts.1 { try readAuthority(from: &reader) }
        for _ in 0..<counts.2 { try readAdditional(from: &reader) }
    }

    /// What stands before the content of every record.
    private struct Head {
        var owner: DNSName
        var type: UInt16
        /// Another thing for OPT.
        var recordClass: UInt16
        var timeToLive: UInt32
        /// Where the content ends.
        var end: Int

        init(from reader: inout DNSMessageReader) throws(MalformedMessage) {
            owner = try reader.readName()
            type = try reader.readUInt16()
            recordClass = try reader.readUInt16()
            timeToLive = try reader.readUInt32()
            end = Int(try reader.readUInt16()) + reader.position
        }
    }

    /// Nil for a type or class that nobody asks for.
    private static func readRecord(from reader: inout DNSMessageReader) throws(MalformedMessage) -> DNSRecord? {
        let head = try Head(from: &reader)
        guard head.recordClass == DNSQuery.internetClass, let type = DNSType(rawValue: head.type) else {
            _ = try reader.readBytes(upTo: head.end)
            return nil
        }
        let data = try readData(type, upTo: head.end, from: &reader)
        guard reader.position == head.end else { throw .badLength }
        // A negative number of the old kind means none (RFC 2181 section 8).
        let seconds = head.timeToLive > UInt32(Int32.max) ? 0 : head.timeToLive
        return DNSRecord(owner: head.owner, type: type, timeToLive: seconds, data: data)
    }

    private static func readData(
        _ type: DNSType, upTo end: Int, from reader: inout DNSMessageReader
    ) throws(MalformedMessage) -> DNSData {
        switch type {
        case .address4: return .address(try reader.readBytes(4))
        case .address6: return .address(try reader.readBytes(16))
        case .canonicalName: return .canonicalName(try reader.readName())
        case .pointer: return .pointer(try reader.readName())
        case .mailExchange:
            return .mailExchange(preference: try reader.readUInt16(), host: try reader.readName())
        case .text:
            var text: [UInt8] = []
            while reader.position < end { text += try reader.readBytes(Int(try reader.readUInt8())) }
            return .text(text)
        case .tlsa:
            return .tlsa(
                usage: try reader.readUInt8(), selector: try reader.readUInt8(), matching: try reader.readUInt8(),
                data: try reader.readBytes(upTo: end))
        }
    }

    /// The start of authority tells how long an absence holds (RFC 2308 section 5).
    private mutating func readAuthority(from reader: inout DNSMessageReader) throws(MalformedMessage) {
        let startOfAuthority: UInt16 = 6
        let head = try Head(from: &reader)
        guard head.recordClass == DNSQuery.internetClass, head.type == startOfAuthority else {
            _ = try reader.readBytes(upTo: head.end)
            return
        }
        // Server, mailbox, serial, refresh, retry, expire.
        _ = try reader.readName()
        _ = try reader.readName()
        _ = try reader.readBytes(16)
        let minimum = try reader.readUInt32()
        guard reader.position == head.end else { throw .badLength }
        let seconds = min(minimum, head.timeToLive)
        negativeTimeToLive = seconds > UInt32(Int32.max) ? 0 : min(seconds, Self.maximumNegativeTimeToLive)
    }

    private mutating func readAdditional(from reader: inout DNSMessageReader) throws(MalformedMessage) {
        let head = try Head(from: &reader)
        _ = try reader.readBytes(upTo: head.end)
        if head.type == DNSQuery.optionType, head.owner.isRoot { code |= UInt16(head.timeToLive >> 24) << 4 }
    }

    // MARK: What it means

    /// The answer to the question: aliases followed, records that belong to other names left out.
    ///
    /// - Parameter trustsAuthenticity: Whether the server's word that an answer is validated counts.
    package func result(for question: DNSQuestion, trustsAuthenticity: Bool = false) -> DNSResult {
        switch code {
        case Self.noError, Self.nameError: break
        case Self.serverFailure: return .failed(.serverFailure)
        case Self.refused: return .failed(.refused)
        default: return .failed(.errorCode(code))
        }
        var owner = question.name
        var timeToLive = Self.maximumTimeToLive
        var aliases = 0
        while question.type != .canonicalName, let alias = alias(of: owner) {
            aliases += 1
            guard aliases <= Self.maximumAliases else { return .failed(.tooManyAliases) }
            timeToLive = min(timeToLive, alias.timeToLive)
            owner = alias.target
        }
        let found = records.filter { $0.type == question.type && $0.owner == owner }.prefix(DNSAnswer.maximumRecords)
        guard let least = found.map(\.timeToLive).min() else {
            // An absence at the end of aliases is no longer true than they are.
            let seconds = min(timeToLive, negativeTimeToLive)
            return code == Self.nameError ? .noSuchName(timeToLive: seconds) : .noData(timeToLive: seconds)
        }
        return .found(
            DNSAnswer(
                found.map(\.data), owner: owner, timeToLive: min(timeToLive, least),
                isAuthenticated: isAuthentic && trustsAuthenticity))
    }

    private func alias(of name: DNSName) -> (target: DNSName, timeToLive: UInt32)? {
        for record in records where record.owner == name {
            if case .canonicalName(let target) = record.data { return (target, record.timeToLive) }
        }
        return nil
    }
}
