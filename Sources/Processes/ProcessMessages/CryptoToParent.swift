import WireFormat

/// What the crypto process tells the parent of the keys it was given.
package enum CryptoToParent: WireMessage, Hashable {
    /// It signs with the key from now on. The public key is in its standard form (RFC 5280 section 4.1, in DER).
    case loaded(key: UInt32, publicKey: [UInt8])
    /// There is no key in the file that it can use, and why in one printable line.
    case unusable(key: UInt32, reason: String)
    /// The key in the file is encrypted.
    case encrypted(key: UInt32)

    /// The longest public key, in bytes: that of RSA with 16384 bits, and room for its description.
    package static let maximumPublicKey = 4_096

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .loaded(let key, let publicKey):
            writer.write(UInt8(1))
            writer.write(key)
            writer.write(publicKey)
        case .unusable(let key, let reason):
            writer.write(UInt8(2))
            writer.write(key)
            writer.write(line: reason)
        case .encrypted(let key):
            writer.write(UInt8(3))
            writer.write(key)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            let key = try reader.readUInt32()
            let publicKey = try reader.readBytes()
            guard publicKey.count <= Self.maximumPublicKey else { throw .invalid("length of a public key") }
            self = .loaded(key: key, publicKey: publicKey)
        case 2: self = .unusable(key: try reader.readUInt32(), reason: try reader.readLine())
        case 3: self = .encrypted(key: try reader.readUInt32())
        case let kind: throw .unknownValue(UInt64(kind), for: "CryptoToParent")
        }
    }
}
