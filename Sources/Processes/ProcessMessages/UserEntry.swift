import WireFormat

/// A user as a userbase knows him.
package struct UserEntry: WireMessage, Hashable {
    /// The key he is found under.
    package var name: String
    package var uid: UInt32
    /// The primary group.
    package var gid: UInt32
    /// The home, an absolute path.
    package let directory: String

    /// - Parameter directory: The home. Where a record names none, or a relative one, it is `/`, as for
    ///   login(1): what it is, must not depend on where a process stands.
    package init(name: String, uid: UInt32, gid: UInt32, directory: String) {
        self.name = name
        self.uid = uid
        self.gid = gid
        self.directory = directory.utf8.first == UInt8(ascii: "/") ? directory : "/"
    }

    package func encode(into writer: inout WireWriter) {
        writer.write(name)
        writer.write(uid)
        writer.write(gid)
        writer.write(directory)
    }

    /// - Throws: ``WireError/invalid(_:)`` for the largest uid or gid, which setuid(2) and its like take for
    ///   "unchanged", and for a relative home.
    package init(from reader: inout WireReader) throws(WireError) {
        self.init(
            name: try reader.readName(), uid: try reader.readUInt32(), gid: try reader.readUInt32(),
            directory: try reader.readPath())
        guard uid != .max, gid != .max else { throw .invalid("user id") }
    }
}

/// What a userbase says of a user.
package enum UserVerdict: WireMessage, Hashable {
    /// His record.
    case found(UserEntry)
    /// There is no such user.
    case missing
    /// The userbase could not say, and why in one printable line: try again later.
    case failed(String)

    package func encode(into writer: inout WireWriter) {
        switch self {
        case .found(let user):
            writer.write(UInt8(1))
            user.encode(into: &writer)
        case .missing:
            writer.write(UInt8(2))
        case .failed(let reason):
            writer.write(UInt8(3))
            writer.write(line: reason)
        }
    }

    package init(from reader: inout WireReader) throws(WireError) {
        switch try reader.readUInt8() {
        case 1: self = .found(try UserEntry(from: &reader))
        case 2: self = .missing
        case 3: self = .failed(try reader.readLine())
        case let kind: throw .unknownValue(UInt64(kind), for: "user verdict")
        }
    }
}
