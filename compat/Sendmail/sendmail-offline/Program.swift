import CEmptyEnvironment
import Glibc
import OfflineStore
import Platform
import Submission

/// Stores one message while no daemon runs. Set-group-id, and therefore small: it takes an envelope and a
/// message on standard input (``OfflineTransfer``), no arguments, and nothing from its environment, which is
/// empty before any of this runs.
///
/// The group is used twice, to create the file and to give it its name; in between, while input is read,
/// the process is without it. Exit status 0 means that the message is on stable storage.
@main
struct Program {
    static func main() {
        martlet_empty_environment()
        ThisProcess.completeStandardDescriptors()
        umask(0o077)
        // The sender's end may be interrupted; its end of input is what ends this, so that nothing is left behind.
        // A limit on file sizes is an error like a full disk.
        for number in [SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ] { signal(number, SIG_IGN) }
        let group = getegid()
        setGroup(getgid())
        let envelope = readEnvelope()
        let status: ExitCode
        do throws(OfflineWriterError) {
            setGroup(group)
            var writer = try OfflineWriter(
                directory: InstallationPaths.system.offline, envelope: envelope, seconds: time(nil))
            setGroup(getgid())
            status = try store(&writer)
            setGroup(group)
            if status == .ok { try writer.commit() } else { writer.abandon() }
        } catch {
            fail("cannot store the message: \(error)", error.code)
        }
        exit(status.rawValue)
    }

    /// Copies the message; anything but ``ExitCode/ok`` when it is not whole.
    private static func store(_ writer: inout OfflineWriter) throws(OfflineWriterError) -> ExitCode {
        while true {
            guard let length = readLength() else { return .temporaryFailure }
            if length == 0 { return .ok }
            guard length <= OfflineTransfer.longestPiece, let piece = read(length) else { return .badData }
            try writer.append(piece)
        }
    }

    private static func readEnvelope() -> SubmissionEnvelope {
        guard let length = readLength(), length <= OfflineMessage.longestEnvelope, let bytes = read(length) else {
            fail("no envelope", .badData)
        }
        do {
            return try SubmissionEnvelope(wireBytes: bytes)
        } catch {
            fail("the envelope makes no sense", .badData)
        }
    }

    private static func readLength() -> Int? { read(4).map(OfflineTransfer.length(of:)) }

    /// Exactly so many bytes from standard input; nil when it ends before.
    private static func read(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = bytes.withUnsafeMutableBytes { room in
                let rest = UnsafeMutableRawBufferPointer(rebasing: room[filled...])
                return Glibc.read(STDIN_FILENO, rest.baseAddress, rest.count)
            }
            if got == -1 && errno == EINTR { continue }
            if got <= 0 { return nil }
            filled += got
        }
        return bytes
    }

    private static func setGroup(_ group: gid_t) {
        guard setegid(group) == 0, getegid() == group else { fail("cannot change the group", .systemError) }
    }

    private static func fail(_ text: String, _ code: ExitCode) -> Never {
        Diagnostics.fail("sendmail-offline: \(text)", code: code.rawValue)
    }
}
