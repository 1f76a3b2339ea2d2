import SeededTesting

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
