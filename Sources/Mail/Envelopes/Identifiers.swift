/// The names a message and its envelopes have in the queue.

/// One accepted message: a random non-zero number, written as 8 lower-case hexadecimal digits.
package struct MessageID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt32

    /// Nil for zero, which means "no message" wherever ids are packed.
    package init?(rawValue: UInt32) {
        guard rawValue != 0 else { return nil }
        self.rawValue = rawValue
    }

    /// Reads exactly 8 hexadecimal digits, not all zero.
    package init?(_ text: String) {
        guard text.utf8.count == 8, let value = hexadecimalValue(text) else { return nil }
        self.init(rawValue: UInt32(value))
    }

    package var description: String { hexadecimalText(UInt64(rawValue), digits: 8) }

    package static func < (a: MessageID, b: MessageID) -> Bool { a.rawValue < b.rawValue }
}

/// One delivery of a message: the message's id in the upper half, a non-zero number in the lower.
package struct EnvelopeID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64

    /// Nil when either half is zero.
    package init?(rawValue: UInt64) {
        guard rawValue >> 32 != 0, rawValue & 0xFFFF_FFFF != 0 else { return nil }
        self.rawValue = rawValue
    }

    package init?(_ message: MessageID, _ number: UInt32) {
        self.init(rawValue: UInt64(message.rawValue) << 32 | UInt64(number))
    }

    /// Reads exactly 16 hexadecimal digits.
    package init?(_ text: String) {
        guard text.utf8.count == 16, let value = hexadecimalValue(text) else { return nil }
        self.init(rawValue: value)
    }

    /// The message this envelope belongs to.
    package var message: MessageID {
        // The initialisers refuse a zero upper half.
        MessageID(rawValue: UInt32(rawValue >> 32))!
    }

    /// The lower half, unique within the message.
    package var number: UInt32 { UInt32(truncatingIfNeeded: rawValue) }

    package var description: String { hexadecimalText(rawValue, digits: 16) }

    package static func < (a: EnvelopeID, b: EnvelopeID) -> Bool { a.rawValue < b.rawValue }
}

func hexadecimalText(_ value: UInt64, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
}

func hexadecimalValue(_ text: String) -> UInt64? {
    var value: UInt64 = 0
    for byte in text.utf8 {
        let lower = byte | 0x20
        if byte >= 0x30 && byte <= 0x39 {
            value = value << 4 | UInt64(byte - 0x30)
        } else if lower >= 0x61 && lower <= 0x66 {
            value = value << 4 | UInt64(lower - 0x61 + 10)
        } else {
            return nil
        }
    }
    return value
}
