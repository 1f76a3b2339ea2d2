/// What every part of a view refers to: the grammar, places in the file, tables.
import Configuration
import Tables
import WireFormat

extension Generation: WireMessage {
    package func encode(into writer: inout WireWriter) { writer.write(rawValue) }

    package init(from reader: inout WireReader) throws(WireError) {
        let value = try reader.readUInt8()
        guard let known = Self(rawValue: value) else { throw .unknownValue(UInt64(value), for: "generation") }
        self = known
    }
}

extension SourceLocation: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(line: file)
        writer.write(count: line)
        writer.write(count: column)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(file: try reader.readLine(), line: try reader.readCount(), column: try reader.readCount())
    }
}

extension TableReference: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(table)
        writer.write(isRegex)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(try reader.readName(), isRegex: try reader.readBool())
    }
}

extension TableDefinition: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(name)
        content.encode(into: &writer)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(name: try reader.readName(), content: try Content(from: &reader))
    }
}

extension TableDefinition.Content: WireMessage {
    package func encode(into writer: inout WireWriter) {
        switch self {
        case .list(let items):
            writer.write(UInt8(1))
            writer.write(list: items) { $1.write($0) }
        case .mapping(let entries):
            writer.write(UInt8(2))
            writer.write(list: entries) { $0.encode(into: &$1) }
        case .backend(let type, let path):
            writer.write(UInt8(3))
            writer.write(type)
            writer.write(path) { $1.write($0) }
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .list(try reader.readList { reader throws(WireError) in try reader.readSystemText() })
        case 2:
            self = .mapping(
                try reader.readList { reader throws(WireError) in try TableDefinition.Entry(from: &reader) })
        case 3:
            self = .backend(
                type: try reader.readName(),
                path: try reader.readOptional { reader throws(WireError) in try reader.readSystemText() })
        case let kind: throw .unknownValue(UInt64(kind), for: "table content")
        }
    }
}

extension TableDefinition.Entry: WireMessage {
    package func encode(into writer: inout WireWriter) {
        writer.write(key)
        writer.write(value)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(key: try reader.readSystemText(), value: try reader.readSystemText())
    }
}
