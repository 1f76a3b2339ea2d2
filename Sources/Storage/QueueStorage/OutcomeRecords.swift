import Envelopes

/// The payload of a `history` record.
struct HistoryRecord: Equatable {
    var number: UInt32
    var history: DeliveryHistory

    var encoded: [UInt8] {
        var writer = RecordWriter()
        writer.write(number)
        history.encode(into: &writer)
        return writer.bytes
    }

    init(number: UInt32, history: DeliveryHistory) {
        self.number = number
        self.history = history
    }

    init(decoding bytes: ArraySlice<UInt8>) throws(RecordError) {
        var reader = RecordReader(bytes)
        number = try reader.readUInt32()
        history = try DeliveryHistory(from: &reader)
        try reader.finish()
    }
}

/// The payload of a `gone` record.
struct GoneRecord: Equatable {
    /// None for the whole message.
    var numbers: [UInt32]

    var encoded: [UInt8] {
        var writer = RecordWriter()
        writer.write(varint: numbers.count)
        for number in numbers { writer.write(number) }
        return writer.bytes
    }

    init(numbers: [UInt32]) {
        self.numbers = numbers
    }

    init(decoding bytes: ArraySlice<UInt8>) throws(RecordError) {
        var reader = RecordReader(bytes)
        numbers = []
        for _ in 0..<(try reader.readCount()) { numbers.append(try reader.readUInt32()) }
        try reader.finish()
    }
}
