import SeededTesting
import Testing
import WireTesting

@testable import Interprocess

@Suite("Frames in a stream") struct FrameReaderTests {
    @Test func `frames do not depend on how the stream is cut`() {
        var random = SplitMix64(seed: 7)
        for _ in 0..<300 {
            let frames = (0..<Int(random.next() % 8)).map { _ in
                (0..<Int(random.next() % 40)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            }
            var stream: [UInt8] = []
            for frame in frames { stream += [0, 0, 0, UInt8(frame.count)] + frame }
            var reader = FrameReader(maximumFrame: 40)
            var found: [[UInt8]] = []
            while !stream.isEmpty {
                let count = min(stream.count, 1 + Int(random.next() % 50))
                stream.prefix(count).withUnsafeBytes { reader.append($0) }
                stream.removeFirst(count)
                while case .frame(let frame) = reader.nextFrame() { found.append(Array(frame)) }
            }
            #expect(found == frames)
            #expect(!reader.isInsideFrame)
        }
    }

    @Test func `the limit counts the content, and a longer frame is known by its length alone`() {
        var reader = FrameReader(maximumFrame: 3)
        [UInt8](arrayLiteral: 0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 4).withUnsafeBytes { reader.append($0) }
        #expect(reader.nextFrame() == .frame([1, 2, 3]))
        #expect(reader.isInsideFrame)
        #expect(reader.nextFrame() == .oversized)
    }
}
