/// What the suites of this module share.
import Testing

@testable import MailSyntax

/// The octets of a text.
func octets(_ text: String) -> [UInt8] { Array(text.utf8) }

func text(_ octets: some Sequence<UInt8>) -> String { String(decoding: Array(octets), as: UTF8.self) }

func domain(_ name: String) throws -> Domain { try Domain(validating: octets(name)) }

/// A small generator with a seed (SplitMix64), so that a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
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

/// A copy with a few octets changed, removed, doubled or put in.
func mutated(_ seed: [UInt8], from alphabet: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
    var result = seed
    for _ in 0..<Int.random(in: 1...6, using: &generator) {
        let octet = alphabet.randomElement(using: &generator) ?? 0
        let place = Int.random(in: 0...result.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: result.insert(octet, at: place)
        case 1 where place < result.count: result[place] = octet
        case 2 where place < result.count: result.remove(at: place)
        default: result.insert(contentsOf: result[place...].prefix(8), at: place)
        }
    }
    return result
}
