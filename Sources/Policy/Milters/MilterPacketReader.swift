/// Cuts what a milter sends into packets: four octets of length, a letter, its content.
///
/// Holds at most one packet and what came with it.
package struct MilterPacketReader: Sendable {
    /// The longest packet that is taken. Milters may raise their limit to a mebibyte.
    package static let maximumLength: UInt32 = 1 << 20 + 1

    package struct Packet: Hashable, Sendable {
        package var letter: UInt8
        package var content: ArraySlice<UInt8>
    }

    private var bytes: [UInt8] = []
    private var position = 0

    package init() {}

    package mutating func receive(_ input: [UInt8]) {
        if position > 0 {
            bytes.removeFirst(position)
            position = 0
        }
        bytes += input
    }

    /// The next packet that is there as a whole; nil when more has to come.
    ///
    /// - Throws: ``MilterFault/packetLength(_:)``; there is no going on after it.
    package mutating func next() throws(MilterFault) -> Packet? {
        guard bytes.count - position >= 4 else { return nil }
        let length = bytes[position..<(position + 4)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        guard length > 0, length <= Self.maximumLength else { throw .packetLength(length) }
        guard bytes.count - position - 4 >= Int(length) else { return nil }
        let start = position + 4
        position = start + Int(length)
        return Packet(letter: bytes[start], content: bytes[(start + 1)..<position])
    }

    /// Nothing is left over.
    package var isEmpty: Bool { position == bytes.count }
}
