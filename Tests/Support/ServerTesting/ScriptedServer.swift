import Glibc
import Platform
import Synchronization

/// A mail server for tests, on threads of its own: it takes messages, and fails where it is told to.
///
/// It serves as long as somebody holds it.
package final class ScriptedServer: Sendable {
    /// Where in a session something can go wrong.
    package enum Stage: String, Hashable, Sendable, CaseIterable {
        case greeting, hello, mail, rcpt, data
        /// After the first octets of the message.
        case content
        /// At the end of the message.
        case end
    }

    /// What happens there.
    package enum Reaction: Hashable, Sendable {
        case say(String)
        case sayAndClose(String)
        case close
    }

    /// A message that was taken.
    package struct Message: Hashable, Sendable {
        /// As in the command, parameters included.
        package var mail = ""
        package var recipients: [String] = []
        /// With its line ends, dots taken away.
        package var text = ""
    }

    private struct State {
        var extensions: [String]
        /// What goes wrong in the first sessions; later ones go well.
        var failures: [[Stage: Reaction]]
        var messages: [Message] = []
        var sessions = 0
        var commands: [String] = []
    }

    private final class Shared: Sendable {
        let state: Mutex<State>
        init(_ state: consuming sending State) { self.state = Mutex(state) }
    }

    private let shared: Shared
    private let listener: ThreadedListener
    package var port: UInt16 { listener.port }

    /// - Parameters:
    ///   - host: Four octets; loopback unless told otherwise.
    ///   - port: 0 for any.
    ///   - extensions: What EHLO and LHLO are told.
    ///   - failures: Of the first session, of the second, and so on.
    package init(
        host: [UInt8] = [127, 0, 0, 1], port: UInt16 = 0, extensions: [String] = ["PIPELINING", "8BITMIME"],
        failures: [[Stage: Reaction]] = []
    ) throws {
        shared = Shared(State(extensions: extensions, failures: failures))
        let shared = shared
        listener = try ThreadedListener(host: host, port: port) { Self.serve($0, shared) }
    }

    package var messages: [Message] { shared.state.withLock { $0.messages } }
    package var sessions: Int { shared.state.withLock { $0.sessions } }
    /// Every command of every session, in the order in which they came.
    package var commands: [String] { shared.state.withLock { $0.commands } }

    // MARK: Sessions

    private struct Connection {
        let raw: CInt
        var input: [UInt8] = []

        func send(_ text: String) { try? Sockets.sendAll(raw, Array((text + "\r\n").utf8)) }

        mutating func more() -> Bool {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = read(raw, &buffer, buffer.count)
            if count > 0 { input += buffer[..<count] }
            return count > 0
        }

        mutating func line() -> String? {
            while true {
                if let end = input.firstIndex(of: 0x0A) {
                    let line = input[..<end]
                    input.removeSubrange(...end)
                    return String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
                }
                guard more() else { return nil }
            }
        }

        mutating func octets(_ count: Int) -> [UInt8]? {
            while input.count < count { guard more() else { return nil } }
            defer { input.removeSubrange(..<count) }
            return Array(input[..<count])
        }
    }

    private static func serve(_ raw: CInt, _ shared: Shared) {
        var connection = Connection(raw: raw)
        var (failures, extensions) = shared.state.withLock { state in
            defer { state.sessions += 1 }
            let failures = state.sessions < state.failures.count ? state.failures[state.sessions] : [:]
            return (failures, state.extensions)
        }
        var message = Message()
        var chunks: [UInt8] = []
        var isLMTP = false

        /// Says what is to be said; false when the session is over.
        func react(_ stage: Stage, _ usual: String) -> Bool {
            // Each goes wrong once in a session.
            switch failures.removeValue(forKey: stage) {
            case nil:
                connection.send(usual)
                return true
            case .say(let text):
                connection.send(text)
                return true
            case .sayAndClose(let text):
                connection.send(text)
                return false
            case .close: return false
            }
        }
        func isTaken(_ stage: Stage) -> Bool {
            if case .say(let text)? = failures[stage] { text.hasPrefix("2") || text.hasPrefix("3") } else { true }
        }
        /// The verdicts, and the message when they are good ones.
        func finish(_ text: [UInt8]) -> Bool {
            message.text = String(decoding: text, as: UTF8.self)
            if isTaken(.end), failures[.end] == nil || failures[.end] == .close {
                shared.state.withLock { $0.messages.append(message) }
            }
            for _ in 0..<(isLMTP ? message.recipients.count : 1) { guard react(.end, "250 2.0.0 taken") else { return false } }
            message = Message()
            return true
        }

        guard react(.greeting, "220 scripted.example") else { return }
        while let line = connection.line() {
            shared.state.withLock { $0.commands.append(line) }
            let word = line.prefix(4).uppercased()
            switch word {
            case "EHLO", "LHLO", "HELO":
                isLMTP = word == "LHLO"
                let lines = ["scripted.example"] + (word == "HELO" ? [] : extensions)
                let reply = lines.enumerated().map { "250\($0.offset == lines.count - 1 ? " " : "-")\($0.element)" }
                guard react(.hello, reply.joined(separator: "\r\n")) else { return }
            case "MAIL":
                message = Message(mail: line)
                guard react(.mail, "250 2.1.0 ok") else { return }
            case "RCPT":
                if line.contains("refused") {
                    connection.send("550 5.1.1 nobody of that name")
                } else if line.contains("later") {
                    connection.send("450 4.2.0 try again later")
                } else {
                    if isTaken(.rcpt) { message.recipients.append(String(line.dropFirst("RCPT TO:".count))) }
                    guard react(.rcpt, "250 2.1.5 ok") else { return }
                }
            case "DATA":
                guard !message.recipients.isEmpty else {
                    connection.send("503 5.5.1 no recipients")
                    continue
                }
                let goes = isTaken(.data)
                guard react(.data, "354 go ahead") else { return }
                guard goes else { continue }
                var text: [UInt8] = []
                var isFirst = true
                while let line = connection.line(), line != "." {
                    if isFirst, let failure = failures[.content] {
                        if case .sayAndClose(let text) = failure { connection.send(text) }
                        return
                    }
                    isFirst = false
                    text += (line.hasPrefix(".") ? line.dropFirst() : line[...]).utf8
                    text += [0x0D, 0x0A]
                }
                guard finish(text) else { return }
            case "BDAT":
                let words = line.split(separator: " ")
                guard words.count > 1, let count = Int(words[1]), let octets = connection.octets(count) else { return }
                chunks += octets
                guard words.last == "LAST" else {
                    connection.send("250 2.0.0 more")
                    continue
                }
                defer { chunks = [] }
                guard !message.recipients.isEmpty else {
                    connection.send("503 5.5.1 no recipients")
                    continue
                }
                guard finish(chunks) else { return }
            case "QUIT":
                connection.send("221 2.0.0 bye")
                return
            default: connection.send("250 2.0.0 ok")
            }
        }
    }
}
