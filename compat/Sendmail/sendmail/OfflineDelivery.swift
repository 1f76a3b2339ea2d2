import Glibc
import OfflineStore
import Platform
import Submission

/// Puts a message into the offline directory, where the daemon finds it when it starts: through the
/// set-group-id program, or directly where the installation is the user's own.
enum OfflineDelivery {
    /// - Throws: What reading the rest of the message throws; nothing is stored then.
    static func store(
        _ envelope: SubmissionEnvelope, _ input: inout some MessagePieces, _ console: Console,
        _ paths: InstallationPaths
    ) throws(MessageInputError) -> ExitCode {
        if paths.isRootless { return try writeFile(envelope, &input, console, paths) }
        return try runHelper(envelope, &input, console)
    }

    private static func writeFile(
        _ envelope: SubmissionEnvelope, _ input: inout some MessagePieces, _ console: Console,
        _ paths: InstallationPaths
    ) throws(MessageInputError) -> ExitCode {
        do {
            try makeDirectory(paths)
            var writer = try OfflineWriter(directory: paths.offline, envelope: envelope, seconds: time(nil))
            do {
                try writer.append(input.beginning)
                while let piece = try input.nextPiece() { try writer.append(piece) }
            } catch {
                writer.abandon()
                throw error
            }
            try writer.commit()
            return .ok
        } catch let error as MessageInputError {
            throw error
        } catch {
            console.complain("smtpd is not running, and the message cannot wait for it: \(error)")
            return (error as? OfflineWriterError)?.code ?? .temporaryFailure
        }
    }

    /// The directory of a rootless installation belongs to its user, who may have started nothing yet.
    private static func makeDirectory(_ paths: InstallationPaths) throws(SystemError) {
        guard let status = try Files.status(paths.spool) else { throw SystemError("open \(paths.spool)", code: ENOENT) }
        guard status.user == geteuid() else { throw SystemError("open \(paths.spool)", code: EPERM) }
        do throws(SystemError) {
            try Files.makeDirectory(paths.offline, mode: 0o700)
        } catch {
            if error.code != EEXIST { throw error }
        }
    }

    private static func runHelper(
        _ envelope: SubmissionEnvelope, _ input: inout some MessagePieces, _ console: Console
    ) throws(MessageInputError) -> ExitCode {
        do {
            let pair = try LocalSocket.pair()
            let process = try ChildProcess(
                path: InstalledPrograms().offlineHelper, arguments: ["sendmail-offline"], environment: []
            ).start(input: pair.second.raw, error: STDERR_FILENO)
            let socket = pair.first
            try pair.second.close()
            do {
                try Sockets.sendAll(socket.raw, OfflineTransfer.frame(envelope.wireBytes))
                try Sockets.sendAll(socket.raw, OfflineTransfer.frames(input.beginning))
                while let piece = try input.nextPiece() {
                    try Sockets.sendAll(socket.raw, OfflineTransfer.frames(piece))
                }
                try Sockets.sendAll(socket.raw, OfflineTransfer.end)
            } catch let error as MessageInputError {
                // Without its end the message is dropped; the helper ends by itself.
                throw error
            } catch {
                // The helper has closed its end, and its status says why.
            }
            try socket.close()
            switch try ChildProcess.wait(for: process) {
            case .exited(let code): return ExitCode(rawValue: code) ?? .temporaryFailure
            case .signalled: return .temporaryFailure
            }
        } catch let error as MessageInputError {
            throw error
        } catch {
            console.complain("smtpd is not running, and the message cannot wait for it: \(error)")
            return .temporaryFailure
        }
    }
}
