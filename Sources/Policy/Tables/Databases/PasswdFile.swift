import MailSyntax

/// A file in the form of passwd(5), as Dovecot's passwd-file has it: `name:hash:uid:gid:gecos:home:shell:extra...`.
///
/// Fields behind the hash may be missing or empty, and what follows the shell is not looked at. A malformed line
/// spoils the file, as in any table.
package struct PasswdFile: Sendable {
    package struct User: Hashable, Sendable {
        package var name: String
        /// As it stands there; empty for none.
        package var hash: String
        package var uid: UInt32?
        package var gid: UInt32?
        package var home: String
    }

    private var users: [TableKey: User] = [:]
    /// Lines that spoil the file.
    package private(set) var errors: [TableFileProblem] = []

    package init(_ content: [UInt8]) {
        for (number, line) in numberedLines(content) {
            let line = trimmed(line)
            guard let first = line.first, first != UInt8(ascii: "#") else { continue }
            do throws(TableFileProblem.Kind) {
                let user = try Self.user(line)
                users[TableKey(user.name)] = user
            } catch {
                if errors.count < TableFile.maximumProblems { errors.append(TableFileProblem(line: number, kind: error)) }
            }
        }
    }

    package var count: Int { users.count }

    /// - Returns: ``TableAnswer/notFound`` also for the password of a user who has none or whose account is locked,
    ///   ``TableAnswer/failed(_:)`` for the place of a user that the file does not tell.
    package func answer(_ query: TableQuery) -> TableAnswer {
        guard query.operation != .fetch, query.service == .credentials || query.service == .userinfo else {
            return .failed("a passwd file serves credentials and userinfo")
        }
        guard let key = TableKey(query: query) else { return .failed("key too long") }
        guard let user = users[key] else { return .notFound }
        if query.operation == .match { return .found(user.name) }
        if query.service == .credentials {
            return user.isLocked ? .notFound : .found("\(user.name):\(user.hash)")
        }
        guard let uid = user.uid, let gid = user.gid, !user.home.isEmpty else {
            return .failed("no uid, gid or home of \(printable(user.name))")
        }
        return .found(UserInfo(name: user.name, uid: uid, gid: gid, directory: user.home).text)
    }

    /// Their credentials, as values of a table.
    package var credentials: [String] { users.values.filter { !$0.isLocked }.map { "\($0.name):\($0.hash)" } }

    private static func user(_ line: ArraySlice<UInt8>) throws(TableFileProblem.Kind) -> User {
        let fields = line.split(separator: UInt8(ascii: ":"), maxSplits: 7, omittingEmptySubsequences: false)
        guard fields.count >= 2 else { throw .missingValue }
        let name = try checkedText(fields[0])
        guard !name.isEmpty else { throw .emptyKey }
        let home = fields.count > 5 ? try checkedText(fields[5]) : ""
        guard home.isEmpty || home.utf8.first == UInt8(ascii: "/") else { throw .relativeDirectory }
        return User(
            name: name, hash: try checkedText(fields[1]), uid: try identifier(fields, 2), gid: try identifier(fields, 3),
            home: home)
    }

    private static func identifier(_ fields: [ArraySlice<UInt8>], _ index: Int) throws(TableFileProblem.Kind) -> UInt32? {
        guard index < fields.count, !fields[index].isEmpty else { return nil }
        guard fields[index].allSatisfy(isASCIIDigit), let number = UInt32(String(decoding: fields[index], as: UTF8.self)),
            number != .max
        else { throw .malformedNumber }
        return number
    }
}

extension PasswdFile.User {
    /// As shadow(5) locks accounts, and as passwd(5) says that the hash is elsewhere.
    fileprivate var isLocked: Bool {
        hash.isEmpty || hash == "x" || hash.utf8.first == UInt8(ascii: "!") || hash.utf8.first == UInt8(ascii: "*")
    }
}
