import AgentMessages
import Glibc
import MailboxDelivery
import Platform
import WireFormat

/// The agent's end of the socket: frames in, with descriptors, and frames out.
struct AgentSocket: ~Copyable {
    private let socket: OwnedDescriptor
    private var input: [UInt8] = []
    /// Where the next frame begins in ``input``.
    private var position = 0
    /// Received and not claimed. The dispatcher sends a descriptor with each request that names one, so they
    /// come in the order of those requests.
    private var descriptors: [SharedDescriptor] = []

    /// Bytes of one read.
    private static let chunk = 256 << 10

    enum Input {
        case message(DispatcherToAgent, SharedDescriptor?)
        /// Nothing whole has come yet.
        case needsMore
    }

    /// - Parameter socket: Not blocking.
    init(_ socket: consuming OwnedDescriptor) { self.socket = socket }

    var raw: CInt { socket.raw }

    enum Arrival {
        case bytes
        /// Nothing at the moment.
        case nothing
        /// Never again.
        case end
    }

    /// Reads what has come, at most one chunk.
    mutating func receive() throws(AgentFailure) -> Arrival {
        if position > 0 {
            input.removeSubrange(..<position)
            position = 0
        }
        let raw = socket.raw
        let result: Result<(count: Int, descriptor: CInt?), SystemError> = withUnsafeTemporaryAllocation(
            byteCount: Self.chunk, alignment: 1
        ) { buffer in
            Result { () throws(SystemError) in
                let received = try LocalSocket.receive(into: buffer, from: raw)
                input.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[..<received.count]))
                return received
            }
        }
        switch result {
        case .success((let count, let descriptor)):
            if let descriptor { descriptors.append(SharedDescriptor(OwnedDescriptor(adopting: descriptor))) }
            // What is left of an unfinished message at the end is of no use to anybody.
            return count > 0 ? .bytes : .end
        case .failure(let error):
            if error.code == EAGAIN { return .nothing }
            throw .system(error)
        }
    }

    /// The next whole message.
    mutating func next() throws(AgentFailure) -> Input {
        let header = AgentFrame.headerLength
        guard input.count - position >= header else { return try settle() }
        let length = input[position..<(position + header)].reduce(0) { $0 << 8 | Int($1) }
        guard length <= AgentFrame.maximumLength else { throw .malformed("a message of \(length) bytes") }
        guard input.count - position - header >= length else { return .needsMore }
        let start = position + header
        position = start + length
        let message: DispatcherToAgent
        do {
            message = try DispatcherToAgent(decoding: input[start..<position])
        } catch {
            throw .malformed("\(error)")
        }
        guard case .deliver(let request) = message, case .descriptor = request.body else { return .message(message, nil) }
        guard !descriptors.isEmpty else { throw .malformed("a message without its descriptor") }
        return .message(message, descriptors.removeFirst())
    }

    /// Between two messages no descriptor can be waiting for its own.
    private func settle() throws(AgentFailure) -> Input {
        guard input.count > position || descriptors.isEmpty else { throw .malformed("a descriptor without a message") }
        return .needsMore
    }

    /// Sends all of it, however long the dispatcher takes to read.
    ///
    /// - Throws: EPIPE or ECONNRESET when the dispatcher is gone.
    func send(_ message: AgentToDispatcher) throws(SystemError) {
        let body = message.encoded
        var writer = WireWriter()
        writer.write(UInt32(body.count))
        var rest = (writer.bytes + body)[...]
        let raw = socket.raw
        while !rest.isEmpty {
            let sent: Result<Int, SystemError> = rest.withUnsafeBytes { bytes in
                Result { () throws(SystemError) in try LocalSocket.send(bytes, descriptor: nil, over: raw) }
            }
            switch sent {
            case .success(let count):
                rest = rest.dropFirst(count)
            case .failure(let error):
                guard error.code == EAGAIN else { throw error }
                var request = pollfd(fd: raw, events: Int16(POLLOUT), revents: 0)
                _ = try checked("poll") { poll(&request, 1, -1) }
            }
        }
    }
}

/// Why an agent cannot go on.
enum AgentFailure: Error {
    case system(SystemError)
    case malformed(String)
}
