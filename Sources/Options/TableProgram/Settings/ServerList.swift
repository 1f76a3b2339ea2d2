/// Servers in the order in which they are tried, as a setting names them: `db1, db2:3307, [2001:db8::1]:3306, /run/db.sock`.
package struct ServerAddress: Hashable, Sendable, CustomStringConvertible {
    package enum Place: Hashable, Sendable {
        /// A name or an address, and the port if one was said.
        case host(String, port: UInt16?)
        /// The absolute path of a Unix socket.
        case path(String)
    }

    package let place: Place

    package var description: String {
        switch place {
        case .host(let name, nil): name
        case .host(let name, let port?): "\(name):\(port)"
        case .path(let path): path
        }
    }

    /// Reads one server; nil when it is none. `unix:` before a path, and `inet:` before a name, may be there.
    package init?(_ text: some StringProtocol) {
        var text = Substring(text)
        if text.hasPrefix("unix:") {
            text = text.dropFirst(5)
            guard text.hasPrefix("/") else { return nil }
        } else if text.hasPrefix("inet:") {
            text = text.dropFirst(5)
            guard !text.hasPrefix("/") else { return nil }
        }
        guard !text.isEmpty else { return nil }
        if text.hasPrefix("/") {
            place = .path(String(text))
        } else if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let name = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard !name.isEmpty, rest.isEmpty || rest.hasPrefix(":") else { return nil }
            guard !rest.isEmpty else {
                place = .host(String(name), port: nil)
                return
            }
            guard let port = UInt16(rest.dropFirst()), port > 0 else { return nil }
            place = .host(String(name), port: port)
        } else {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            // More than one colon is an IPv6 address without a port.
            guard parts.count == 2 else {
                place = .host(String(text), port: nil)
                return
            }
            guard !parts[0].isEmpty, let port = UInt16(parts[1]), port > 0 else { return nil }
            place = .host(String(parts[0]), port: port)
        }
    }

    private init(_ place: Place) { self.place = place }

    /// The same server, with a port where it has none.
    package func with(defaultPort port: UInt16) -> ServerAddress {
        if case .host(let name, nil) = place { ServerAddress(.host(name, port: port)) } else { self }
    }

    /// Reads a list with commas or blanks between servers.
    ///
    /// - Throws: For a list without a server, and for what is none.
    package static func list(_ text: String, setting name: String) throws(ProgramSettings.Problem) -> [ServerAddress] {
        let words = text.split { $0 == "," || $0 == " " || $0 == "\t" }
        var servers: [ServerAddress] = []
        for word in words {
            guard let server = ServerAddress(word) else { throw .init("\(name): \(word) is no server") }
            servers.append(server)
        }
        guard !servers.isEmpty else { throw .init("\(name) names no server") }
        return servers
    }
}
