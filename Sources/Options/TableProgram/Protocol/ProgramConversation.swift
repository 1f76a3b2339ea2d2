import Tables

/// The table protocol as a machine: bytes from the server go in, requests and what must be sent come out.
///
/// First the server tells of itself in lines `config|NAME|VALUE`, until `config|ready`. The program answers with a line
/// `register|SERVICE` for each service that it can be asked for, and `register|ready`. Then the server asks.
package struct ProgramConversation {
    private enum State {
        /// The server tells of itself. Left by `config|ready` (to `serving`).
        case configuring
        /// The server asks. It may do so before it has read the services.
        case serving
    }

    /// What bytes of the server meant.
    package enum Event: Equatable {
        /// The server has told all; the program now registers. With the table's name, if it said one.
        case configured(tableName: String?)
        case request(ProgramRequest)
    }

    /// Why the conversation cannot go on.
    package enum Problem: Error, Equatable {
        /// A line above ``maximumLine`` octets.
        case lineTooLong
        /// A line that has no place where it came, or is no request.
        case unexpected(String)
    }

    /// The longest line of the server, in octets: a key of 1023 octets, and an `auth` key of a user with a password.
    package static let maximumLine = 8192

    private var state = State.configuring
    private var pending: [UInt8] = []
    private var tableName: String?

    /// Before the first byte.
    package init() {}

    /// Takes bytes as they came, lines or pieces of lines.
    package mutating func receive(_ bytes: some Collection<UInt8>) throws(Problem) -> [Event] {
        pending += bytes
        var events: [Event] = []
        var start = 0
        while let end = pending[start...].firstIndex(of: UInt8(ascii: "\n")) {
            guard end - start <= Self.maximumLine else { throw .lineTooLong }
            if let event = try take(Array(pending[start..<end])) { events.append(event) }
            start = end + 1
        }
        pending.removeFirst(start)
        guard pending.count <= Self.maximumLine else { throw .lineTooLong }
        return events
    }

    /// The lines that say what the table can be asked for, once the server is ``Event/configured(tableName:)``.
    package static func registration(of services: [TableService]) -> [UInt8] {
        services.flatMap { Array("register|\($0.name)\n".utf8) } + Array("register|ready\n".utf8)
    }

    private mutating func take(_ line: [UInt8]) throws(Problem) -> Event? {
        switch state {
        case .configuring: return try configure(line)
        case .serving:
            do throws(ProgramRequest.Problem) {
                return .request(try ProgramRequest(line: line))
            } catch {
                throw .unexpected(error.text)
            }
        }
    }

    private mutating func configure(_ line: [UInt8]) throws(Problem) -> Event? {
        let fields = line.split(separator: UInt8(ascii: "|"), maxSplits: 2, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard fields[0] == "config", fields.count > 1 else { throw .unexpected("a line that is not config|...") }
        if fields == ["config", "ready"] {
            state = .serving
            return .configured(tableName: tableName)
        }
        // Other names than this one are for those who want to know.
        if fields.count == 3, fields[1] == "tablename" { tableName = fields[2] }
        return nil
    }
}

extension ProgramRequest.Problem {
    /// For the operator.
    package var text: String {
        switch self {
        case .malformed: "a line that is no request"
        case .version: "a version of the table protocol that is not 0.1"
        case .operation: "an operation that is not update, check, lookup or fetch"
        case .identifier: "a request without a usable id"
        }
    }
}

extension ProgramConversation.Problem {
    /// For the operator.
    package var text: String {
        switch self {
        case .lineTooLong: "the server sent a line of more than \(ProgramConversation.maximumLine) octets"
        case .unexpected(let what): "the server sent \(what)"
        }
    }
}
