import WireFormat

/// What the dispatcher may ask of the crypto process: signatures, never keys.
package enum DispatcherToCrypto: WireMessage, Hashable {
    /// Answered by exactly one ``CryptoToDispatcher`` with the same `request`.
    case sign(request: UInt64, key: UInt32, SignatureRequest)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .sign(let request, let key, let input):
            writer.write(UInt8(1))
            writer.write(request)
            writer.write(key)
            input.encode(into: &writer)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1:
            self = .sign(
                request: try reader.readUInt64(), key: try reader.readUInt32(),
                try SignatureRequest(from: &reader))
        case let kind: throw .unknownValue(UInt64(kind), for: "DispatcherToCrypto")
        }
    }
}

/// What a TLS handshake wants signed. Crypto looks at it again: it signs nothing that is none of these.
package enum SignatureRequest: WireMessage, Hashable {
    /// An encoded digest, to be padded by the signer (RFC 8017 section 8.2).
    case rsaPKCS1([UInt8])
    /// A padded block of the size of the key (RFC 8017 section 8.1).
    case rsaBlock([UInt8])
    /// A digest.
    case ecdsa([UInt8])

    /// The longest block, in bytes: RSA keys have up to 16384 bits.
    package static let maximumLength = 2_048

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .rsaPKCS1(let octets):
            writer.write(UInt8(1))
            writer.write(octets)
        case .rsaBlock(let octets):
            writer.write(UInt8(2))
            writer.write(octets)
        case .ecdsa(let octets):
            writer.write(UInt8(3))
            writer.write(octets)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .rsaPKCS1(try reader.readSignatureOctets())
        case 2: self = .rsaBlock(try reader.readSignatureOctets())
        case 3: self = .ecdsa(try reader.readSignatureOctets())
        case let kind: throw .unknownValue(UInt64(kind), for: "SignatureRequest")
        }
    }
}

extension WireReader {
    /// A signature or what is to be signed: 1 to ``SignatureRequest/maximumLength`` bytes.
    ///
    /// - Throws: ``WireError/invalid(_:)`` for another length.
    mutating func readSignatureOctets() throws(WireError) -> [UInt8] {
        let octets = try readBytes()
        guard (1...SignatureRequest.maximumLength).contains(octets.count) else { throw .invalid("length of a signature") }
        return octets
    }
}
