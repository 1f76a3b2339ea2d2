import Envelopes

/// An event of the history as bytes in a block.
extension HistoryEvent {
    func encode(into writer: inout RecordWriter) {
        switch kind {
        case .accepted(let acceptance):
            writeHead(1, into: &writer)
            writer.write(short: acceptance.sender)
            writer.write(short: acceptance.messageID)
            writer.write(short: acceptance.source)
            writer.write(short: acceptance.user)
            writer.write(varint: Int(acceptance.size))
        case .queued(let number, let recipient):
            writeHead(2, into: &writer)
            writer.write(number)
            writer.write(short: recipient.destination)
            writer.write(short: recipient.given)
            writer.write(short: recipient.action)
        case .outcome(let number, let outcome, let to, let text):
            writeHead(3, into: &writer)
            writer.write(number)
            writer.write(outcome.rawValue)
            writer.write(short: to)
            writer.write(short: text)
        }
    }

    private func writeHead(_ kind: UInt8, into writer: inout RecordWriter) {
        writer.write(kind)
        writer.write(time.seconds)
        writer.write(message.rawValue)
    }

    init(from reader: inout RecordReader) throws(RecordError) {
        let kind = try reader.readUInt8()
        let time = Timestamp(seconds: try reader.readInt64())
        guard let message = MessageID(rawValue: try reader.readUInt32()) else { throw .invalid("message id") }
        switch kind {
        case 1:
            let acceptance = Acceptance(
                sender: try reader.readShortText(), messageID: try reader.readShortText(), source: try reader.readShortText(),
                user: try reader.readShortText(), size: Int64(try reader.readVarint()))
            self.init(time: time, message: message, .accepted(acceptance))
        case 2:
            let number = try reader.readEnvelopeNumber()
            let recipient = Recipient(
                destination: try reader.readShortText(), given: try reader.readShortText(), action: try reader.readShortText())
            self.init(time: time, message: message, .queued(number: number, recipient))
        case 3:
            let number = try reader.readEnvelopeNumber()
            let value = try reader.readUInt8()
            guard let outcome = Outcome(rawValue: value) else { throw .unknownValue(UInt64(value), for: "outcome") }
            self.init(
                time: time, message: message,
                .outcome(number: number, outcome, to: try reader.readShortText(), text: try reader.readShortText()))
        case let other: throw .unknownValue(UInt64(other), for: "event")
        }
    }
}

extension RecordReader {
    fileprivate mutating func readEnvelopeNumber() throws(RecordError) -> UInt32 {
        let number = try readUInt32()
        guard number != 0 else { throw .invalid("envelope number") }
        return number
    }
}
