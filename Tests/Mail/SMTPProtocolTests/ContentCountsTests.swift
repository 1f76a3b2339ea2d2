import SeededTesting
import Testing

@testable import SMTPProtocol

@Suite("Lines and eight-bit octets of a message are counted as if one by one") struct ContentCountsTests {
    @Test(arguments: [
        ([], 0, false), ([0x0A], 1, false), ([0x8A], 0, true), ([0x0B, 0x09, 0x1A, 0x4A], 0, false),
        ([UInt8](repeating: 0x0A, count: 17), 17, false), ([UInt8](repeating: 0x8A, count: 16), 0, true),
        ([0x61, 0x61, 0x61, 0x61, 0x61, 0x61, 0x61, 0x61, 0x80], 0, true),
    ] as [([UInt8], Int, Bool)])
    func `octets that look alike are told apart`(_ bytes: [UInt8], _ lines: Int, _ hasEightBits: Bool) {
        let counts = ContentCounts(bytes.span)
        #expect(counts.lines == lines && counts.hasEightBits == hasEightBits)
    }

    @Test func `whatever the octets and their number`() {
        var generator = SplitMix64(seed: 7)
        for length in 0..<200 {
            // Few kinds of octets, close to an LF.
            let kinds: [UInt8] = [0x0A, 0x0A, 0x0B, 0x09, 0x00, 0x7F, length % 2 == 0 ? 0x8A : 0x61, 0x0D]
            let bytes = (0..<length).map { _ in kinds.randomElement(using: &generator)! }
            let counts = ContentCounts(bytes.span)
            #expect(counts.lines == bytes.count { $0 == 0x0A })
            #expect(counts.hasEightBits == bytes.contains { $0 >= 0x80 })
        }
    }
}
