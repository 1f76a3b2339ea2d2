/// Text in the letters, digits and hyphens of host names (RFC 3492).
enum Punycode {
    // The parameters of RFC 3492 section 5.
    private static let base: UInt32 = 36
    private static let thresholds: ClosedRange<UInt32> = 1...26
    private static let skew: UInt32 = 38
    private static let damping: UInt32 = 700
    private static let initialBias: UInt32 = 72
    private static let initialCodePoint: UInt32 = 128

    /// The longest text that is encoded, in code points: more than a label has, and so few that no number
    /// of the algorithm leaves its 32 bits (section 6.4).
    static let maximumLength = 1_000

    /// The text as ASCII, without the prefix of an A-label; nil above ``maximumLength``.
    static func encode(_ text: some Collection<Unicode.Scalar>) -> [UInt8]? {
        guard text.count <= maximumLength else { return nil }
        var output = text.filter(\.isASCII).map { UInt8(truncatingIfNeeded: $0.value) }
        let basic = UInt32(output.count)
        if basic > 0 { output.append(UInt8(ascii: "-")) }
        var codePoint = initialCodePoint
        var delta: UInt32 = 0
        var bias = initialBias
        var handled = basic
        while handled < UInt32(text.count) {
            // The least that has not been handled; there is one, since not all are.
            guard let next = text.lazy.map(\.value).filter({ $0 >= codePoint }).min() else { return nil }
            // At most 0x10FFFF times 1,001.
            delta += (next - codePoint) * (handled + 1)
            codePoint = next
            for scalar in text {
                if scalar.value < codePoint { delta += 1 }
                guard scalar.value == codePoint else { continue }
                appendVariableLength(delta, bias: bias, to: &output)
                bias = adapted(delta, count: handled + 1, isFirst: handled == basic)
                delta = 0
                handled += 1
            }
            delta += 1
            codePoint += 1
        }
        return output
    }

    /// Section 3.3.
    private static func appendVariableLength(_ number: UInt32, bias: UInt32, to output: inout [UInt8]) {
        var rest = number
        var position = base
        while true {
            let threshold = position <= bias ? thresholds.lowerBound : min(position - bias, thresholds.upperBound)
            guard rest >= threshold else { break }
            output.append(digit(threshold + (rest - threshold) % (base - threshold)))
            rest = (rest - threshold) / (base - threshold)
            position += base
        }
        output.append(digit(rest))
    }

    /// Section 6.1.
    private static func adapted(_ delta: UInt32, count: UInt32, isFirst: Bool) -> UInt32 {
        var delta = isFirst ? delta / damping : delta / 2
        delta += delta / count
        var divisions: UInt32 = 0
        while delta > (base - thresholds.lowerBound) * thresholds.upperBound / 2 {
            delta /= base - thresholds.lowerBound
            divisions += base
        }
        return divisions + (base - thresholds.lowerBound + 1) * delta / (delta + skew)
    }

    /// 0 to 25 are letters, 26 to 35 digits.
    private static func digit(_ value: UInt32) -> UInt8 {
        let octet = UInt8(truncatingIfNeeded: value)
        return octet < 26 ? UInt8(ascii: "a") + octet : UInt8(ascii: "0") + (octet - 26)
    }
}
