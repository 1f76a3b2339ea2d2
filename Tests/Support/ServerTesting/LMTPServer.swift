import Glibc
import Platform

/// An LMTP server (RFC 2033) that answers as a test says and remembers what it was told.
package final class LMTPServer: Sendable {
    package let port: UInt16
    private let stop = Flag()
    private let conversation: Shared<Conversation>

    /// What has been said so far.
    package struct Conversation: Sendable {
        package var commands: [String] = []
        package var messages: [String] = []
        package var connections = 0
    }

    package var heard: Conversation { conversation.current }

    /// Listens on a port of 127.0.0.1 until the value goes away.
    ///
    /// - Parameter answer: The reply lines to a command; asked with `.` once for each accepted recipient. Nil
    ///   closes the connection instead.
    package init(_ answer: @escaping @Sendable (_ command: String, _ heard: Conversation) -> String?) throws {
        port = try Server.freePort()
        // The octets are four.
        let raw = try ListeningSocket.internet(SocketAddress(octets: [127, 0, 0, 1], port: port)!).release()
        let shared = Shared(Conversation())
        let stop = stop
        conversation = shared
        _ = TestThread {
            let listener = OwnedDescriptor(adopting: raw)
            while !stop.isSet {
                var interest = pollfd(fd: listener.raw, events: Int16(POLLIN), revents: 0)
                guard poll(&interest, 1, 50) > 0 else { continue }
                let connection = accept(listener.raw, nil, nil)
                guard connection >= 0 else { continue }
                _ = TestThread { LMTPServer.serve(OwnedDescriptor(adopting: connection), shared, stop, answer) }
            }
        }
    }

    deinit { stop.set() }

    private static func serve(
        _ connection: consuming OwnedDescriptor, _ shared: Shared<Conversation>, _ stop: Flag,
        _ answer: (String, Conversation) -> String?
    ) {
        let raw = connection.raw
        shared.with { $0.connections += 1 }
        try? Sockets.setTimeout(raw, seconds: 1)
        var input: [UInt8] = []
        func line() -> String? {
            while true {
                if let end = input.firstIndex(of: 0x0A) {
                    let line = String(decoding: input[..<end], as: UTF8.self)
                    input.removeSubrange(...end)
                    return line.last == "\r" ? String(line.dropLast()) : line
                }
                var chunk = [UInt8](repeating: 0, count: 65_536)
                let count = recv(raw, &chunk, chunk.count, 0)
                if count < 0, errno == EAGAIN, !stop.isSet { continue }
                guard count > 0 else { return nil }
                input += chunk[..<count]
            }
        }
        func say(_ text: String) -> Bool { (try? Sockets.sendAll(raw, Array((text + "\r\n").utf8))) != nil }
        func reply(to command: String) -> String? { answer(command, shared.current) }

        guard let greeting = reply(to: ""), say(greeting) else { return }
        var accepted = 0
        while let command = line() {
            shared.with { $0.commands.append(command) }
            guard let text = reply(to: command), say(text) else { return }
            let verb = command.prefix { $0 != " " }.uppercased()
            let isGood = text.hasPrefix("2") || text.hasPrefix("3")
            switch verb {
            case "MAIL", "RSET": accepted = 0
            case "RCPT": if isGood { accepted += 1 }
            case "DATA" where isGood:
                var message = ""
                while let next = line(), next != "." { message += (next.hasPrefix(".") ? String(next.dropFirst()) : next) + "\n" }
                shared.with { $0.messages.append(message) }
                for _ in 0..<accepted { guard let text = reply(to: "."), say(text) else { return } }
                accepted = 0
            case "QUIT": return
            default: break
            }
        }
    }

    /// The answers of a server that takes everything.
    package static func agreeable(_ command: String) -> String {
        switch command.prefix(4).uppercased() {
        case "": "220 lmtp.example LMTP"
        case "LHLO": "250-lmtp.example\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME"
        case "DATA": "354 go"
        case "QUIT": "221 2.0.0 bye"
        default: "250 2.0.0 ok"
        }
    }
}
