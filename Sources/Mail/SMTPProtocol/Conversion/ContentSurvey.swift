import MailSyntax

/// Reads a message through and tells whether it has eight-bit octets, and what could be done about them.
package struct ContentSurvey: Sendable {
    /// What was found.
    package enum Finding: Hashable, Sendable {
        /// The bodies are ASCII.
        case sevenBit
        /// They are not, and ``ContentConverter`` can make them so.
        case convertible(ConversionPlan)
        /// They are not, where nothing may be changed.
        case fixed
    }

    /// Octets of a line beyond which a message is not converted.
    static let maximumLine = 1 << 20
    /// Parts beyond which a message is not converted.
    static let maximumParts = 10_000

    private var walker = EntityWalker()
    private var lines = LineCutter()
    private var plan = ConversionPlan()
    private var current: EntityWalker.Entity?
    private var isFixed = false
    private var hasEightBits = false
    /// Octets so far, with CR LF for each LF.
    package private(set) var wireSize: Int64 = 0

    package init() {}

    /// Takes the next piece of the message, lines ended by LF.
    package mutating func take(_ bytes: [UInt8]) {
        lines.append(bytes)
        while let line = lines.next() { take(line: line) }
        if lines.pending > Self.maximumLine { isFixed = true }
    }

    /// The message has ended.
    package mutating func finish() -> Finding {
        if let line = lines.rest() { take(line: line) }
        if case .header(let entity, _)? = walker.finish() { begin(entity) }
        guard hasEightBits else { return .sevenBit }
        return isFixed ? .fixed : .convertible(plan)
    }

    private mutating func take(line: ArraySlice<UInt8>) {
        wireSize += Int64(line.count) + 1
        for place in walker.take(line) {
            switch place {
            case .header(let entity, _): begin(entity)
            case .between: break
            case .body: noteBody(line)
            }
        }
    }

    private mutating func begin(_ entity: EntityWalker.Entity) {
        current = entity
        guard plan.isRecoded.count < Self.maximumParts else {
            isFixed = true
            return
        }
        plan.isRecoded.append(false)
    }

    private mutating func noteBody(_ line: ArraySlice<UInt8>) {
        guard let entity = current, let last = plan.isRecoded.indices.last, !plan.isRecoded[last],
            line.contains(where: { $0 >= 0x80 })
        else { return }
        hasEightBits = true
        plan.isRecoded[last] = true
        switch entity.encoding {
        case .identity: if entity.type.isMultipart || entity.type.name.hasPrefix("message/") { isFixed = true }
        // Eight bits where the encoding has none.
        case .encoded, .unknown: isFixed = true
        }
    }
}

/// Which parts of a message are to be encoded.
package struct ConversionPlan: Hashable, Sendable {
    /// For each header of an entity, in order.
    var isRecoded: [Bool] = []
}

/// Cuts octets into lines.
struct LineCutter: Sendable {
    private var bytes: [UInt8] = []
    private var position = 0

    /// Octets of the line that has no end yet.
    var pending: Int { bytes.count - position }

    mutating func append(_ more: [UInt8]) {
        if position == bytes.count {
            bytes = more
        } else {
            bytes.removeSubrange(..<position)
            bytes += more
        }
        position = 0
    }

    /// The next line with its LF.
    mutating func next() -> ArraySlice<UInt8>? {
        guard position < bytes.count, let end = bytes[position...].firstIndex(of: 0x0A) else { return nil }
        defer { position = end + 1 }
        return bytes[position...end]
    }

    /// What stands behind the last LF; nil for nothing.
    mutating func rest() -> ArraySlice<UInt8>? {
        defer { position = bytes.count }
        return position < bytes.count ? bytes[position...] : nil
    }
}
