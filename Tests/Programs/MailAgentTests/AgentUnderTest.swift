import AgentMessages
import Envelopes
import Glibc
import MailSyntax
import Platform
import ServerTesting
import Testing
import WireFormat

/// A directory and the program, as an ordinary user sees them. Run by root the programs are started as a made-up
/// user, else as whoever runs the tests.
final class Workshop {
    let path: String
    let identity: Identity?
    private let program: String

    init() throws {
        var template = Array("/tmp/martlet-agent-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!) }  // Never empty.
        path = try String(cString: #require(made))
        identity = geteuid() == 0 ? Identity(uid: 12_345, gid: 12_345, groups: []) : nil
        program = path + "/program"
        // The build directory may be closed to the user.
        let here = try String(decoding: Files.readLink("/proc/self/exe"), as: UTF8.self)
        let folder = here.prefix(upTo: try #require(here.lastIndex(of: "/")))
        try copyProgram(folder + "/mail.agent", to: program)
        try Files.makeDirectory(home, mode: 0o700)
        if let identity {
            chown(path, identity.uid, identity.gid)
            chown(home, identity.uid, identity.gid)
        }
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        if (try? Files.status(path))??.isDirectory == true {
            for name in (try? Files.list(path)) ?? [] { remove(path + "/" + name) }
            rmdir(path)
        } else {
            unlink(path)
        }
    }

    var home: String { path + "/home" }

    func start(
        as name: String, _ arguments: [String] = [], environment: [String] = [], input: CInt? = nil, error: CInt? = nil,
        socket: CInt? = nil, isRoot: Bool = false
    ) throws -> pid_t {
        var child = ChildProcess(
            path: program, arguments: [name] + arguments, environment: environment + ["PATH=/usr/bin:/bin", "HOME=\(home)"])
        child.identity = isRoot ? nil : identity
        child.directory = home
        return try child.start(input: input, error: error ?? 2, extra: socket)
    }

    /// Runs a delivery program with a message on its standard input.
    func run(
        _ name: String, _ arguments: [String], _ message: String = "A: b\n\nbody\n", environment: [String] = [],
        isRoot: Bool = false
    ) throws -> (status: Platform.ExitStatus, said: String) {
        let input = path + "/input.\(name)"
        let file = try Files.open(input, O_RDWR | O_CREAT | O_TRUNC, mode: 0o600)
        try Files.writeAll(file, Array(message.utf8))
        lseek(file.raw, 0, SEEK_SET)
        let error = try Files.open(path + "/error.\(name)", O_RDWR | O_CREAT | O_TRUNC, mode: 0o600)
        let process = try start(as: name, arguments, environment: environment, input: file.raw, error: error.raw, isRoot: isRoot)
        let status = try ChildProcess.wait(for: process)
        lseek(error.raw, 0, SEEK_SET)
        return (status, String(decoding: try Files.readToEnd(error, limit: 1 << 20), as: UTF8.self))
    }

    func content(_ name: String) throws -> String { String(decoding: try Files.read(home + "/" + name), as: UTF8.self) }
    func names(_ name: String) throws -> [String] { try Files.list(home + "/" + name) }
}

extension Files {
    fileprivate static func readLink(_ path: String) throws(SystemError) -> [UInt8] {
        var room = [UInt8](repeating: 0, count: 4_096)
        let size = room.count
        let count = try checked("readlink") {
            room.withUnsafeMutableBytes { readlink(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), size) }
        }
        return Array(room[..<count])
    }
}

/// A resident agent and the dispatcher's side of its socket.
final class AgentUnderTest {
    let socket: OwnedDescriptor
    let process: pid_t
    private var received: [UInt8] = []

    init(_ workshop: Workshop, _ arguments: [String] = []) throws {
        var pair = try LocalSocket.pair()
        process = try workshop.start(as: "/usr/libexec/martlet/mail.agent", arguments, socket: pair.second.raw)
        socket = try pair.first.duplicate()
        pair = try LocalSocket.pair()  // Closes both: the agent has its own.
        var timeout = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(socket.raw, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
    }

    /// No test leaves a dead child behind: one that is never waited for is what the wait for any child finds, again
    /// and again, with which the tests of exits begin.
    deinit {
        shutdown(socket.raw, CInt(SHUT_WR))
        // After `finish()` there is nobody left to wait for.
        _ = try? ChildProcess.wait(for: process)
    }

    /// Sends frames as they are, the descriptor on the first byte.
    func send(_ bytes: [UInt8], descriptor: CInt? = nil) throws {
        var rest = bytes[...]
        var descriptor = descriptor
        while !rest.isEmpty {
            let raw = socket.raw
            let result = rest.withUnsafeBytes { bytes in
                Result { () throws(SystemError) in try LocalSocket.send(bytes, descriptor: descriptor, over: raw) }
            }
            rest = rest.dropFirst(try result.get())
            descriptor = nil
        }
    }

    func send(_ messages: [DispatcherToAgent], descriptor: CInt? = nil) throws {
        var bytes: [UInt8] = []
        for message in messages { bytes += frame(message) }
        try send(bytes, descriptor: descriptor)
    }

    func frame(_ message: DispatcherToAgent) -> [UInt8] {
        let body = message.encoded
        var writer = WireWriter()
        writer.write(UInt32(body.count))
        return writer.bytes + body
    }

    /// The next message; nil at the end.
    func receive() throws -> AgentToDispatcher? {
        while true {
            if received.count >= 4 {
                let length = received[..<4].reduce(0) { $0 << 8 | Int($1) }
                if received.count >= 4 + length {
                    defer { received.removeFirst(4 + length) }
                    return try AgentToDispatcher(decoding: received[4..<(4 + length)])
                }
            }
            var room = [UInt8](repeating: 0, count: 65_536)
            let count = try Files.readSome(socket, into: &room)
            if count == 0 { return nil }
            received += room[..<count]
        }
    }

    /// Results until there are as many as wanted.
    func outcomes(_ count: Int) throws -> [UInt64: DeliveryOutcome] {
        var result: [UInt64: DeliveryOutcome] = [:]
        while result.count < count {
            guard case .outcomes(let outcomes)? = try receive() else { break }
            for outcome in outcomes { result[outcome.request] = outcome.outcome }
        }
        return result
    }

    /// Closes our side and waits for the agent's end.
    func finish() throws -> Platform.ExitStatus {
        shutdown(socket.raw, CInt(SHUT_WR))
        return try ChildProcess.wait(for: process)
    }
}

func mailAddress(_ local: String) throws -> MailAddress {
    MailAddress(try LocalPart(validating: Array(local.utf8)), at: try Domain(validating: Array("example.org".utf8)))
}

func request(
    _ id: UInt64, _ method: DeliveryMethod, _ body: DeliveryBody = .inline(Array("A: b\n\nbody\n".utf8)), isRepeat: Bool = false
) throws -> DeliveryRequest {
    DeliveryRequest(
        id: id, envelope: try #require(EnvelopeID(rawValue: 0x1234_5678_0000_0000 | id)), created: Timestamp(seconds: 1_700_000_000),
        isRepeat: isRepeat, sender: .mailbox(try mailAddress("bob")), recipient: try mailAddress("ada+x"),
        destination: try mailAddress("ada"), method: method, body: body)
}

extension DeliveryOutcome {
    var isDelivered: Bool { if case .delivered = self { true } else { false } }
    var temporaryStatus: String? { if case .temporary(let failure) = self { failure.status } else { nil } }
    var permanentStatus: String? { if case .permanent(let failure) = self { failure.status } else { nil } }
}
