import Glibc
import Platform
import Submission

/// `sendmail`, `send-mail`, `mailq` and `newaliases`: one program without any privilege, which looks at its name
/// and its options (`Submission` reads them) and talks to the daemon's socket.
@main
struct Program {
    static func main() {
        ThisProcess.completeStandardDescriptors()
        // Closed ends are errors of single calls here; a limit on file sizes is one like a full disk.
        for number in [SIGPIPE, SIGXFSZ] { signal(number, SIG_IGN) }
        umask(0o077)
        let words = arguments()
        let console = Console(path: words.first ?? [])
        let paths = installationPaths()
        let status: ExitCode
        switch Invocation(name: words.first ?? [], arguments: Array(words.dropFirst())) {
        case .submit(let options): status = MessageDelivery(options, console, paths).run()
        case .verify(let options): status = RecipientVerification.run(options, console, paths)
        case .smtpOnStandardInput: status = SessionRelay.run(console, paths)
        case .listQueue: status = QueueListing.run(console, paths)
        case .runQueue: status = runQueue(console, paths)
        case .rebuildAliases:
            // Other programs of the name have other options, and their letters are another's here.
            let isNewaliases = console.name == "newaliases"
            let file = isNewaliases ? Invocation.configurationFile(in: Array(words.dropFirst())) : nil
            status = AliasesUpdate(console, paths).run(configuration: file)
        case .startDaemon(let inForeground): status = startDaemon(inForeground, console)
        case .replayOffline: status = OfflineReplay.run(console, paths)
        case .usage(let error):
            console.complain("\(error)\nusage: sendmail [-tiv] [-f sender] [-F name] recipient ...")
            status = .usage
        }
        exit(status.rawValue)
    }

    /// The command line byte for byte: addresses need not be UTF-8, and must not be repaired.
    private static func arguments() -> [[UInt8]] {
        (0..<Int(CommandLine.argc)).compactMap { index in
            guard let word = CommandLine.unsafeArgv[index] else { return nil }
            return UnsafeBufferPointer(start: word, count: strlen(word)).map { UInt8(bitPattern: $0) }
        }
    }

    private static func installationPaths() -> InstallationPaths {
        guard let value = getenv(InstallationPaths.environmentVariable) else { return .system }
        let directory = String(cString: value)
        return directory.isEmpty ? .system : .rootless(directory)
    }

    private static func startDaemon(_ inForeground: Bool, _ console: Console) -> ExitCode {
        let daemon = InstalledPrograms().daemon
        // The list ends at the first nil.
        let words = [strdup("smtpd"), inForeground ? strdup("-F") : nil, nil]
        _ = execv(daemon, words)
        console.complain("cannot start \(daemon): \(SystemError("exec").reason)")
        return .unavailable
    }
}
