import Rules
import WireFormat

/// An explanation on its way to control, which shows it.
extension Explanation: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(list: items) { item, writer in
            writer.write(item.depth)
            writer.write(line: item.name)
            writer.write(line: item.text)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        let items = try reader.readList { reader throws(WireError) in
            Item(depth: try reader.readUInt8(), name: try reader.readLine(), text: try reader.readLine())
        }
        guard let explanation = Explanation(items: items) else { throw .invalid("explanation") }
        self = explanation
    }
}

extension ListenerFacts: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(line: tag)
        writer.write(usesTLS)
        explanation.encode(into: &writer)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(tag: try reader.readLine(), usesTLS: try reader.readBool(), explanation: try Explanation(from: &reader))
    }
}
