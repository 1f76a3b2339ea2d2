/// A seeded generator, so that a failing run can be repeated.
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
}

/// A copy of one of the samples with a few bytes changed, removed, doubled or put in.
func mutated(_ samples: [String], _ random: inout SplitMix64) -> [UInt8] {
    var bytes = Array(samples.randomElement(using: &random)!.utf8)
    for _ in 0..<Int.random(in: 0...6, using: &random) {
        let at = Int.random(in: 0...bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: bytes.insert(UInt8.random(in: 0...255, using: &random), at: at)
        case 1: if at < bytes.count { bytes.remove(at: at) }
        case 2: if at < bytes.count { bytes[at] = Array("\\\"',:|/@[]#\n \t*%{}()^$".utf8).randomElement(using: &random)! }
        default: bytes.insert(contentsOf: bytes[..<at], at: at)
        }
    }
    return bytes
}
