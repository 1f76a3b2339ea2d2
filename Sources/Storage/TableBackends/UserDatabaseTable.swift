import Platform
import Tables

/// The system's users as a table of the `userinfo` service (type `getpwnam`).
package struct UserDatabaseTable: TableBackend {
    private let find: @Sendable (String) throws(SystemError) -> UserRecord?

    /// - Parameter find: How a user is found; nil is "there is none", an error "cannot say".
    package init(
        find: @escaping @Sendable (String) throws(SystemError) -> UserRecord? = { name throws(SystemError) in
            try Users.named(name)
        }
    ) {
        self.find = find
    }

    package mutating func update() throws(TableUpdateError) {}

    package mutating func answer(_ query: TableQuery) -> TableAnswer {
        guard query.service == .userinfo, query.operation != .fetch else {
            return .failed("the user database serves userinfo only")
        }
        guard let key = TableKey(query: query) else { return .failed("key too long") }
        let name = String(decoding: key.bytes, as: UTF8.self)
        // What no account can be called is not handed to the modules that look accounts up.
        guard !name.isEmpty, name.utf8.allSatisfy(Self.isUserName) else { return .notFound }
        do throws(SystemError) {
            guard let user = try find(name) else { return .notFound }
            // Fetched under another name it is another user: some directories ignore case and blanks.
            guard user.name == name else { return .notFound }
            if query.operation == .match { return .found(name) }
            // An account without a home lives where login(1) puts it.
            let home = user.home.isEmpty ? "/" : user.home
            return .found(UserInfo(name: name, uid: user.uid, gid: user.gid, directory: home).text)
        } catch {
            return .failed(error.description)
        }
    }

    private static func isUserName(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte != 0x7F && byte != UInt8(ascii: ":") && byte != UInt8(ascii: "/")
    }
}
