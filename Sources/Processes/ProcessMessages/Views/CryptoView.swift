import WireFormat

/// What the crypto process may know of the configuration: the key pairs, by name.
package struct CryptoView: WireMessage, Hashable {
    /// The names of `pki` declarations, in order.
    package var keyPairs: [String]

    package init(keyPairs: [String]) {
        self.keyPairs = keyPairs
    }

    package func encode(into writer: inout WireWriter) {
        writer.write(list: keyPairs) { $1.write($0) }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(keyPairs: try reader.readList { reader throws(WireError) in try reader.readName() })
    }
}
