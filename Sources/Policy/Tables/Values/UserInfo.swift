/// A value of the `userinfo` service, `uid:gid:directory`; the user's name is the key.
package struct UserInfo: Hashable, Sendable {
    package let name: String
    package let uid: UInt32
    package let gid: UInt32
    /// Absolute.
    package let directory: String

    package enum SyntaxError: Error, Hashable, Sendable {
        case missingField
        case malformedUID
        case malformedGID
        case relativeDirectory
    }

    package init(name: String, uid: UInt32, gid: UInt32, directory: String) {
        self.name = name
        self.uid = uid
        self.gid = gid
        self.directory = directory
    }

    package init(_ value: String, name: String) throws(SyntaxError) {
        let fields = Array(value.utf8).split(
            separator: UInt8(ascii: ":"), maxSplits: 2, omittingEmptySubsequences: false)
        guard fields.count == 3 else { throw .missingField }
        guard let uid = Self.identifier(fields[0]) else { throw .malformedUID }
        guard let gid = Self.identifier(fields[1]) else { throw .malformedGID }
        guard fields[2].first == UInt8(ascii: "/"), !fields[2].contains(0) else { throw .relativeDirectory }
        self.init(name: name, uid: uid, gid: gid, directory: String(decoding: fields[2], as: UTF8.self))
    }

    /// The value that reads back as this.
    package var text: String { "\(uid):\(gid):\(directory)" }

    /// The largest number is no id: chown(2) and its like take it for "unchanged".
    private static func identifier(_ bytes: ArraySlice<UInt8>) -> UInt32? {
        let digits = trimmed(bytes)
        guard digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            let value = UInt32(String(decoding: digits, as: UTF8.self)), value != .max
        else { return nil }
        return value
    }
}
