import Configuration
import Tables
import WireFormat

/// What lookup may know of the configuration: rules and tables, and what of the actions expansion needs.
package struct LookupView: WireMessage, Hashable {
    /// The grammar of the configuration, which decides how expansion goes about it.
    package var generation: Generation
    /// This host's name.
    package var serverName: String
    /// All tables, the predefined and anonymous ones too.
    package var tables: [TableDefinition]
    /// In order; the first that matches decides.
    package var rules: [Rule]
    /// All actions, in order of name.
    package var actions: [NamedAction]
    /// Between user and sub-address, such as `+`.
    package var subaddressDelimiter: UInt8

    package init(
        generation: Generation, serverName: String, tables: [TableDefinition], rules: [Rule],
        actions: [NamedAction], subaddressDelimiter: UInt8
    ) {
        self.generation = generation
        self.serverName = serverName
        self.tables = tables
        self.rules = rules
        self.actions = actions
        self.subaddressDelimiter = subaddressDelimiter
    }

    package func encode(into writer: inout WireWriter) {
        generation.encode(into: &writer)
        writer.write(line: serverName)
        writer.write(list: tables) { $0.encode(into: &$1) }
        writer.write(list: rules) { $0.encode(into: &$1) }
        writer.write(list: actions) { $0.encode(into: &$1) }
        writer.write(subaddressDelimiter)
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            generation: try Generation(from: &reader),
            serverName: try reader.readLine(),
            tables: try reader.readList { reader throws(WireError) in try TableDefinition(from: &reader) },
            rules: try reader.readList { reader throws(WireError) in try Rule(from: &reader) },
            actions: try reader.readList { reader throws(WireError) in try NamedAction(from: &reader) },
            subaddressDelimiter: try reader.readUInt8())
    }
}

/// An action as far as expansion and delivery look into it.
package struct NamedAction: WireMessage, Hashable {
    /// What rules and envelopes call it.
    package var name: String
    /// Nil for a relay.
    package var local: LocalAction?

    package init(name: String, local: LocalAction?) {
        self.name = name
        self.local = local
    }

    package func encode(into writer: inout WireWriter) {
        writer.write(name)
        writer.write(local) { $0.encode(into: &$1) }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            name: try reader.readName(),
            local: try reader.readOptional { reader throws(WireError) in try LocalAction(from: &reader) })
    }
}
