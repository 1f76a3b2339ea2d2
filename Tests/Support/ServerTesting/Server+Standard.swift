import Platform

extension Server {
    /// The users of ``standard(aliases:action:options:more:)``.
    package static let users = ["alice", "bob", "carol"]

    /// A server for the domain `test.example` with three virtual users, who all have the ordinary user's number
    /// and a home below `home/`. Their mail goes to `home/NAME/Maildir`.
    ///
    /// - Parameters:
    ///   - aliases: Entries of the alias table, in the syntax of smtpd.conf. `@DIR@` stands for the server's
    ///     directory, here and in the rest.
    ///   - action: The method of the action `deliver`; the user base and aliases are added.
    ///   - options: What follows those.
    ///   - listener: Options of the listener.
    ///   - more: Statements before the listener and the last rule.
    package static func standard(
        aliases: [String] = [], action: String = "maildir", options: String = "", listener: String = "", more: String = ""
    ) throws -> Server {
        let server = try Server {
            $0.standardConfiguration(aliases: aliases, action: action, options: options, listener: listener, more: more)
        }
        try server.scratch.makeDirectory("home")
        for user in users { try server.scratch.makeDirectory("home/" + user, mode: 0o700) }
        return server
    }

    /// The text of smtpd.conf that ``standard(aliases:action:options:more:)`` uses, for another start or a reload.
    package func standardConfiguration(aliases: [String] = [], action: String = "maildir", options: String = "", listener: String = "", more: String = "") -> String {
        let user = OrdinaryUser.current
        let entries = Self.users.map { "\($0) = \"\(user.uid):\(user.gid):\(scratch.path)/home/\($0)\"" }
        let aliases = aliases.isEmpty ? ["postmaster = \"alice\""] : aliases
        return """
            table users { \(entries.joined(separator: ", ")) }
            table aliases { \(aliases.joined(separator: ", ").replacing("@DIR@", with: scratch.path)) }
            \(more.replacing("@DIR@", with: scratch.path))
            listen on 127.0.0.1 port \(port) hostname "mx.test.example" \(listener)
            action "deliver" \(action.replacing("@DIR@", with: scratch.path)) userbase <users> alias <aliases> \(options)
            match from any for domain "test.example" action "deliver"

            """
    }

    /// The messages of a user's Maildir.
    package func mail(of user: String) -> [String] { scratch.messages(in: "home/\(user)/Maildir") }
    package func mailCount(of user: String) -> Int { scratch.count(in: "home/\(user)/Maildir") }
}
