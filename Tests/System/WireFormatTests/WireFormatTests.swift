import Testing
import WireTesting

@testable import WireFormat

/// A message with every kind of field.
private struct Everything: WireMessage, Equatable {
    var small: UInt8 = 1
    var short: UInt16 = 0x0203
    var word: UInt32 = 0x0405_0607
    var long: UInt64 = 0x0809_0A0B_0C0D_0E0F
    var signed: Int64 = -2
    var flag = true
    var octets: [UInt8] = [0, 255]
    var text = "Grüße"
    var absent: UInt16?
    var present: UInt16? = 7
    var list = ["a", "", "ccc"]

    init() {}

    func encode(into writer: inout WireWriter) {
        writer.write(small)
        writer.write(short)
        writer.write(word)
        writer.write(long)
        writer.write(signed)
        writer.write(flag)
        writer.write(octets)
        writer.write(text)
        writer.write(absent) { $1.write($0) }
        writer.write(present) { $1.write($0) }
        writer.write(list: list) { $1.write($0) }
    }

    init(from reader: inout WireReader) throws(WireError) {
        small = try reader.readUInt8()
        short = try reader.readUInt16()
        word = try reader.readUInt32()
        long = try reader.readUInt64()
        signed = try reader.readInt64()
        flag = try reader.readBool()
        octets = try reader.readBytes()
        text = try reader.readString()
        absent = try reader.readOptional { reader throws(WireError) in try reader.readUInt16() }
        present = try reader.readOptional { reader throws(WireError) in try reader.readUInt16() }
        list = try reader.readList { reader throws(WireError) in try reader.readString() }
    }
}

@Suite("Values as octets") struct WireFormatTests {
    @Test func `integers travel in network order, counts before what they count`() {
        var writer = WireWriter()
        writer.write(UInt16(0x0102))
        writer.write(UInt32(0x0304_0506))
        writer.write(UInt64(0x0708_090A_0B0C_0D0E))
        writer.write(Int64(-1))
        writer.write([9, 8])
        writer.write("é")
        #expect(
            writer.bytes == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14] + [UInt8](repeating: 255, count: 8)
                + [0, 0, 0, 2, 9, 8] + [0, 0, 0, 2, 0xC3, 0xA9])
    }

    @Test func `every kind of field survives, every truncation and every octet more is refused`() {
        #expect(codecProblems(of: Everything()) == [])
    }

    @Test func `altered messages never trap and mean what they say`() {
        #expect(mutationProblems(of: [Everything()], rounds: 20_000, seed: 1) == [])
    }

    @Test(arguments: [[0xFF, 0xFF, 0xFF, 0xFF], [0x7F, 0xFF, 0xFF, 0xFF], [0, 0, 0, 2, 1]] as [[UInt8]])
    func `a count is not believed beyond what is there`(_ bytes: [UInt8]) {
        #expect(throws: WireError.truncated) {
            var reader = WireReader(bytes)
            _ = try reader.readBytes()
        }
        #expect(throws: WireError.truncated) {
            var reader = WireReader(bytes)
            _ = try reader.readString()
        }
        #expect(throws: WireError.truncated) {
            var reader = WireReader(bytes)
            _ = try reader.readList { reader throws(WireError) in try reader.readUInt8() }
        }
    }

    @Test func `a flag is 0 or 1 and a text is UTF-8`() {
        #expect(throws: WireError.unknownValue(2, for: "flag")) {
            var reader = WireReader([2])
            _ = try reader.readBool()
        }
        #expect(throws: WireError.invalid("text")) {
            var reader = WireReader([0, 0, 0, 1, 0xC3])
            _ = try reader.readString()
        }
    }

    @Test func `frames stand behind each other, and what was sent is forgotten`() {
        var writer = WireWriter()
        writer.writeFrame(Everything())
        let first = writer.bytes
        #expect(first == [0, 0, 0, UInt8(first.count - 4)] + Everything().encoded)
        writer.writeFrame(Everything())
        #expect(writer.bytes == first + first)
        writer.removeFirst(first.count)
        #expect(writer.bytes == first)
        writer.removeFirst(first.count)
        #expect(writer.bytes.isEmpty)
    }
}
