import Glibc
import Platform

/// The journal of systemd, by its own protocol: each line with its fields, whose names begin with the program's, so that
/// `journalctl NAME_FIELD=...` finds what belongs together.
///
/// The socket is connected at once and so outlives chroot. What the journal does not take, nobody hears of.
package final class JournalSink: LogSink {
    /// Where systemd listens.
    package static let path = "/run/systemd/journal/socket"

    private let socket: OwnedDescriptor
    private let program: String

    /// - Parameter program: What stands as SYSLOG_IDENTIFIER in each entry.
    /// - Throws: ENOENT where there is no journal.
    package init(program: String, path: String = JournalSink.path) throws(SystemError) {
        self.program = program
        let kind = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let raw = try checked("socket") { Glibc.socket(AF_UNIX, kind, 0) }
        socket = OwnedDescriptor(adopting: raw)
        let code = try SocketAddress.local(path: path).withKernelForm { Glibc.connect(raw, $0, $1) == 0 ? 0 : errno }
        guard code == 0 else { throw SystemError("connect to \(path)", code: code) }
    }

    package func write(_ level: LogLevel, _ line: String) {
        let bytes = Self.entry(level, line, program: program)
        _ = bytes.withUnsafeBytes { send(socket.raw, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
    }

    /// An entry in the journal's format. No line of a log holds a line feed, so every field is in the simple form.
    static func entry(_ level: LogLevel, _ line: String, program: String) -> [UInt8] {
        var entry = "MESSAGE=\(line)\nPRIORITY=\(priority(level))\nSYSLOG_FACILITY=2\nSYSLOG_IDENTIFIER=\(program)\n"
        for field in LogFields(line).fields { entry += "\(name(of: field, program))=\(field.value)\n" }
        return Array(entry.utf8)
    }

    /// Capital letters, digits and underscores, at most 64.
    private static func name(of field: LogFields.Field, _ program: String) -> String {
        let name = "\(program)_\(field.name)".utf8.map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 0x20
            case UInt8(ascii: "-"): UInt8(ascii: "_")
            default: byte
            }
        }
        return String(decoding: name.prefix(64), as: UTF8.self)
    }

    private static func priority(_ level: LogLevel) -> CInt {
        switch level {
        case .debug: LOG_DEBUG
        case .info: LOG_INFO
        case .warning: LOG_WARNING
        case .error: LOG_ERR
        case .critical: LOG_CRIT
        }
    }
}
