import WireFormat

/// What the dispatcher needs for TLS beside signatures: certificates and authorities, all of it public.
package struct Credentials: WireMessage, Hashable {
    /// One `pki`.
    package struct Identity: WireMessage, Hashable {
        /// As the configuration calls it.
        package var name: String
        /// The number of the private key at the crypto process.
        package var key: UInt32
        /// The certificate and what leads from it to an authority, in PEM.
        package var chain: [UInt8]
        /// Parameters of Diffie-Hellman in PEM; nil for none of one's own.
        package var parameters: [UInt8]?

        package init(name: String, key: UInt32, chain: [UInt8], parameters: [UInt8]? = nil) {
            self.name = name
            self.key = key
            self.chain = chain
            self.parameters = parameters
        }

        package func encode(into writer: inout WireWriter) {
            writer.write(name)
            writer.write(key)
            writer.write(chain)
            writer.write(parameters) { $1.write($0) }
        }

        package init(from reader: inout WireReader) throws(WireError) {
            self.init(
                name: try reader.readName(), key: try reader.readUInt32(), chain: try reader.readBytes(),
                parameters: try reader.readOptional { reader throws(WireError) in try reader.readBytes() })
        }
    }

    /// One `ca`.
    package struct Authority: WireMessage, Hashable {
        /// As the configuration calls it.
        package var name: String
        /// In PEM.
        package var certificates: [UInt8]

        package init(name: String, certificates: [UInt8]) {
            self.name = name
            self.certificates = certificates
        }

        package func encode(into writer: inout WireWriter) {
            writer.write(name)
            writer.write(certificates)
        }

        package init(from reader: inout WireReader) throws(WireError) {
            self.init(name: try reader.readName(), certificates: try reader.readBytes())
        }
    }

    package var identities: [Identity]
    package var authorities: [Authority]
    /// The authorities that this system trusts, in PEM; nil when nobody asks for them or there are none.
    package var system: [UInt8]?

    package init(identities: [Identity] = [], authorities: [Authority] = [], system: [UInt8]? = nil) {
        self.identities = identities
        self.authorities = authorities
        self.system = system
    }

    package func encode(into writer: inout WireWriter) {
        writer.write(list: identities) { $0.encode(into: &$1) }
        writer.write(list: authorities) { $0.encode(into: &$1) }
        writer.write(system) { $1.write($0) }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            identities: try reader.readList { reader throws(WireError) in try Identity(from: &reader) },
            authorities: try reader.readList { reader throws(WireError) in try Authority(from: &reader) },
            system: try reader.readOptional { reader throws(WireError) in try reader.readBytes() })
    }
}
