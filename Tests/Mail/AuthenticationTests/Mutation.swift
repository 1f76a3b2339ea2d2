import SeededTesting

extension SplitMix64 {
    /// The octets with a few of them changed, inserted or cut away.
    mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
        var result = bytes
        for _ in 0..<Int.random(in: 1...4, using: &self) {
            switch next(below: 4) {
            case 0 where !result.isEmpty:
                result[next(below: result.count)] = UInt8.random(in: 0...255, using: &self)
            case 1: result.insert(UInt8.random(in: 0...255, using: &self), at: next(below: result.count + 1))
            case 2 where !result.isEmpty: result.removeLast(next(below: result.count + 1))
            default:
                let special = Array(",=\0{}$.r\t\n".utf8)
                result.insert(special[next(below: special.count)], at: next(below: result.count + 1))
            }
        }
        return result
    }
}
