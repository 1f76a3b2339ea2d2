/// A small seeded generator, so that a failing case can be run again.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// The octets with a few of them changed, inserted or cut away.
    mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
        var result = bytes
        for _ in 0..<Int.random(in: 1...4, using: &self) {
            switch Int.random(in: 0..<4, using: &self) {
            case 0 where !result.isEmpty:
                result[Int.random(in: result.indices, using: &self)] = UInt8.random(in: 0...255, using: &self)
            case 1: result.insert(UInt8.random(in: 0...255, using: &self), at: Int.random(in: 0...result.count, using: &self))
            case 2 where !result.isEmpty: result.removeLast(Int.random(in: 0...result.count, using: &self))
            default:
                let special = Array(",=\0{}$.r".utf8)
                result.insert(special.randomElement(using: &self) ?? 0, at: Int.random(in: 0...result.count, using: &self))
            }
        }
        return result
    }
}
