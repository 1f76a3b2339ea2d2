import Glibc
import Platform

/// A blocking SMTP client that says exactly what it is told.
package final class SMTPClient {
    private let socket: OwnedDescriptor
    private var input: [UInt8] = []
    private let companion: AnyObject?

    /// A whole reply.
    package struct Reply: CustomStringConvertible {
        package let lines: [String]
        /// 0 when there was none.
        package var code: Int { Int(lines.last?.prefix(3) ?? "") ?? 0 }
        package var text: String { lines.joined(separator: "\n") }
        package var description: String { text }
    }

    /// The connection has ended or fallen silent.
    package enum Failure: Error { case closed, silent }

    /// Connects; reads nothing yet.
    ///
    /// - Parameter timeout: Seconds for each single wait.
    package init(host: [UInt8] = [127, 0, 0, 1], port: UInt16, timeout: Int = 30) throws {
        companion = nil
        // The octets are four.
        socket = try ConnectingSocket.wait(to: SocketAddress(octets: host, port: port)!, timeout: CInt(timeout) * 1000)
        try Sockets.setTimeout(socket.raw, seconds: timeout)
        try Sockets.setNoDelay(socket.raw)
    }

    /// Speaks over what is connected already, and keeps what that needs.
    package init(adopting socket: consuming OwnedDescriptor, with companion: AnyObject, timeout: Int = 30) throws {
        self.socket = socket
        self.companion = companion
        try Sockets.setTimeout(self.socket.raw, seconds: timeout)
    }

    /// Sends bytes as they are.
    package func send(_ bytes: [UInt8]) throws { try Sockets.sendAll(socket.raw, bytes) }

    /// Sends text as it is.
    package func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// Reads one reply, of one or more lines.
    package func reply() throws -> Reply {
        var lines: [String] = []
        while true {
            let line = try self.line()
            lines.append(line)
            if line.utf8.count < 4 || Array(line.utf8)[3] != UInt8(ascii: "-") { return Reply(lines: lines) }
        }
    }

    /// Sends a line and reads its reply.
    @discardableResult
    package func command(_ line: String) throws -> Reply {
        try send(line + "\r\n")
        return try reply()
    }

    /// Reads the greeting and says EHLO.
    @discardableResult
    package func greet() throws -> Reply {
        let greeting = try reply()
        guard greeting.code == 220 else { return greeting }
        return try command("EHLO client.example")
    }

    /// One message to some recipients, one command at a time; the reply to the end of data, or the first refusal.
    package func deliver(from sender: String, to recipients: [String], _ text: String) throws -> Reply {
        for line in ["MAIL FROM:<\(sender)>"] + recipients.map({ "RCPT TO:<\($0)>" }) {
            let reply = try command(line)
            guard reply.code == 250 else { return reply }
        }
        let go = try command("DATA")
        guard go.code == 354 else { return go }
        try send(text.hasSuffix("\r\n") ? text : text + "\r\n")
        return try command(".")
    }

    /// True when the server has closed the connection, and said nothing more.
    package func isClosed() -> Bool {
        do {
            _ = try line()
            return false
        } catch {
            return (error as? Failure) == .closed
        }
    }

    /// Ends without a word.
    package func close() { shutdown(socket.raw, CInt(SHUT_RDWR)) }

    private func line() throws -> String {
        while true {
            if let end = input.firstIndex(of: 0x0A) {
                let line = input[..<end]
                input.removeSubrange(...end)
                return String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
            }
            var chunk = [UInt8](repeating: 0, count: 16_384)
            let count: Int
            do throws(SystemError) {
                count = try Files.readSome(socket, into: &chunk)
            } catch {
                throw error.code == EAGAIN ? Failure.silent : Failure.closed
            }
            guard count > 0 else { throw Failure.closed }
            input += chunk[..<count]
        }
    }
}
