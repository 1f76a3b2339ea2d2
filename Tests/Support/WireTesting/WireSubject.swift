import SeededTesting
import WireFormat

/// A type of messages under test, with sample values that cover all of its cases.
///
/// Each check returns what it found wrong, in words; a type that keeps its promises returns nothing.
package struct WireSubject: Sendable, CustomStringConvertible {
    /// The name of the type.
    package let description: String
    /// The encodings of the samples.
    package let encodings: [[UInt8]]
    /// Decodes and encodes again.
    private let recode: @Sendable (ArraySlice<UInt8>) throws(WireError) -> [UInt8]
    private let roundTrip: @Sendable () -> [String]

    package init<Message: WireMessage & Equatable>(of _: Message.Type = Message.self, _ samples: [Message]) {
        description = "\(Message.self)"
        encodings = samples.map(\.encoded)
        recode = { bytes throws(WireError) in try Message(decoding: bytes).encoded }
        roundTrip = {
            samples.compactMap { sample in
                do throws(WireError) {
                    return try Message(decoding: sample.encoded[...]) == sample ? nil : "\(sample) comes back changed"
                } catch {
                    return "\(sample) does not come back: \(error)"
                }
            }
        }
    }

    /// Every sample comes back as it was sent, and as the same bytes.
    package func roundTripFaults() -> [String] {
        roundTrip() + encodings.compactMap { isTaken($0) ? fault($0) : "\($0) is refused" }
    }

    /// No sample is taken without its last bytes, or with another byte behind it.
    package func lengthFaults() -> [String] {
        encodings.flatMap { bytes in
            bytes.indices.filter { isTaken(bytes[..<$0]) }.map { "taken when cut to \($0): \(bytes)" }
                + [0, 1, 0xFF].filter { isTaken(bytes + [$0]) }.map { "taken with \($0) behind it: \(bytes)" }
        }
    }

    /// With any one byte changed a sample is refused, or is the value whose encoding these bytes are: no
    /// value has two encodings, and none is taken for another.
    ///
    /// The longer a sample, the fewer values are tried: its bytes are mostly alike, and its parts have samples
    /// of their own.
    package func changeFaults() -> [String] {
        var faults: [String] = []
        for bytes in encodings {
            for index in bytes.indices {
                let old = bytes[index]
                let others: [UInt8] =
                    switch bytes.count {
                    case ...32: Array(0...0xFF)
                    case ...128: (0..<8).map { old ^ 1 << $0 } + [0, 0x0A, 0x1F, 0x7F, 0xFF]
                    default: [old ^ 1, old ^ 0x80, 0, 0xFF]
                    }
                var changed = bytes
                for other in others where other != old {
                    changed[index] = other
                    if let fault = fault(changed) { faults.append(fault) }
                }
            }
        }
        return faults
    }

    /// Samples in which any four bytes announce more than there is are refused, or mean just that number.
    package func countFaults() -> [String] {
        var faults: [String] = []
        for bytes in encodings where bytes.count >= 4 {
            for start in 0...(bytes.count - 4) {
                for count in [UInt32.max, UInt32(Int32.max), 1 << 24, UInt32(bytes.count - start - 3)] {
                    var changed = bytes
                    for offset in 0..<4 {
                        changed[start + offset] = UInt8(truncatingIfNeeded: count >> (24 - 8 * offset))
                    }
                    if let fault = fault(changed) { faults.append(fault) }
                }
            }
        }
        return faults
    }

    /// Random bytes, and samples with random changes, splices and cuts, are refused or are an encoding.
    package func randomFaults(seed: UInt64, rounds: Int) -> [String] {
        var random = SplitMix64(seed: seed)
        var faults: [String] = []
        for _ in 0..<rounds {
            for bytes in [noise(&random), mutation(&random)] {
                if let fault = fault(bytes) { faults.append(fault) }
            }
        }
        return faults
    }

    /// Bytes that begin with a kind that exists more often than not, and hold many zeros, as counts do.
    private func noise(_ random: inout SplitMix64) -> [UInt8] {
        (0..<Int.random(in: 0...96, using: &random)).map { index in
            switch UInt8.random(in: 0...3, using: &random) {
            case 0: 0
            case 1: UInt8.random(in: 0...9, using: &random)
            default: index == 0 ? UInt8.random(in: 1...9, using: &random) : UInt8.random(in: 0...0xFF, using: &random)
            }
        }
    }

    private func mutation(_ random: inout SplitMix64) -> [UInt8] {
        var bytes = encodings.randomElement(using: &random) ?? []
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let index = Int.random(in: 0...bytes.count, using: &random)
            switch Int.random(in: 0...4, using: &random) {
            case 0: bytes.insert(UInt8.random(in: 0...0xFF, using: &random), at: index)
            case 1: bytes.removeSubrange(index..<min(bytes.count, index + 4))
            case 2:
                let other = encodings.randomElement(using: &random) ?? []
                bytes = bytes[..<index] + other.suffix(Int.random(in: 0...other.count, using: &random))
            default: if index < bytes.count { bytes[index] = UInt8.random(in: 0...0xFF, using: &random) }
            }
        }
        return bytes
    }

    private func isTaken(_ bytes: [UInt8]) -> Bool { isTaken(bytes[...]) }

    private func isTaken(_ bytes: ArraySlice<UInt8>) -> Bool {
        do throws(WireError) {
            _ = try recode(bytes)
            return true
        } catch {
            return false
        }
    }

    /// Nil when the bytes are refused, or are what their value is written as.
    private func fault(_ bytes: [UInt8]) -> String? {
        do throws(WireError) {
            let again = try recode(bytes[...])
            return again == bytes ? nil : "taken, and written again as \(again): \(bytes)"
        } catch {
            return nil
        }
    }
}
