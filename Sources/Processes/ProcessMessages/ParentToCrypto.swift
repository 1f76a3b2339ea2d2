import WireFormat

/// What the parent gives the crypto process: files with private keys. It has opened them and not looked into them.
package enum ParentToCrypto: WireMessage, Hashable {
    /// The key is in the file that comes along. Answered by ``CryptoToParent/loaded(key:publicKey:)``,
    /// ``CryptoToParent/unusable(key:reason:)`` or ``CryptoToParent/encrypted(key:)``. A number is never used twice.
    case load(key: UInt32)
    /// Other keys are not needed any more. They are forgotten after a while: connections under way may still
    /// want a signature.
    case keep([UInt32])

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .load(let key):
            writer.write(UInt8(1))
            writer.write(key)
        case .keep(let keys):
            writer.write(UInt8(2))
            writer.write(list: keys) { $1.write($0) }
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .load(key: try reader.readUInt32())
        case 2: self = .keep(try reader.readList { reader throws(WireError) in try reader.readUInt32() })
        case let kind: throw .unknownValue(UInt64(kind), for: "ParentToCrypto")
        }
    }
}
